// policy.c - checking, identifying and interning policies.

#include "tls/policy.h"

#include "base/mem.h"
#include "tls/digest.h"
#include "tls/intern.h"
#include "tls/suites.h"

#include <stdio.h>
#include <stdlib.h>

enum { TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 };

static void release_copies(struct policy_desc *d)
{
    struct name *names = (struct name *)(uintptr_t)d->names;
    for (uint32_t i = 0; i < d->name_count; i++)
        name_free(&names[i]);
    free(names);
    free((struct pin *)(uintptr_t)d->pins);
    struct str *const texts[] = {
        &d->sni_name, &d->ciphers, &d->ciphersuites, &d->groups, &d->sigalgs, &d->judges,
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free((char *)(uintptr_t)texts[i]->p);
}

static void destroy(void *object)
{
    struct policy *p = object;
    trust_unref(p->desc.trust);
    trust_unref(p->desc.next);
    credential_unref(p->desc.credential);
    crls_unref(p->desc.crls);
    release_copies(&p->desc);
    free(p);
}

static struct intern policies = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .digest_at = offsetof(struct policy, sha256),
    .destroy = destroy,
};

struct policy_desc policy_desc_default(struct trust *trust)
{
    return (struct policy_desc){
        .verify = POLICY_VERIFY,
        .depth = POLICY_DEPTH_DEFAULT,
        .trust = trust,
        .min_version = TLS_1_2,
        .max_version = TLS_1_3,
        .security_level = POLICY_LEVEL_DEFAULT,
        .verify_name = true,
        .resume = true,
    };
}

void policy_judged_by(struct policy_desc *desc, struct str judges)
{
    desc->judges = judges;
    desc->resume = desc->resume && judges.n == 0;
}

static bool is_version(int v)
{
    return v == TLS_1_2 || v == TLS_1_3;
}

static bool are_names_valid(const struct policy_desc *d)
{
    for (uint32_t i = 0; i < d->name_count; i++)
        if (d->names[i].text.n == 0 || d->names[i].kind < NAME_DNS
            || d->names[i].kind > NAME_EMAIL)
            return false;
    for (uint32_t i = 0; i < d->pin_count; i++)
        if (d->pins[i].kind != PIN_CERTIFICATE && d->pins[i].kind != PIN_KEY)
            return false;
    return d->name_count <= POLICY_LIST_MAX && d->pin_count <= POLICY_LIST_MAX;
}

static bool is_sni_valid(const struct policy_desc *d)
{
    struct peer_name name;
    if (d->sni != POLICY_SNI_FIXED)
        return d->sni >= POLICY_SNI_NAME && d->sni <= POLICY_SNI_HOST && d->sni_name.n == 0;
    return peer_name_parse(d->sni_name, &name) == NULL && !name.ip
        && str_eq(d->sni_name, (struct str){ name.text, name.len });
}

// NULL, or what has no valid value.
static const char *first_fault(const struct policy_desc *d)
{
    return d->verify < POLICY_VERIFY || d->verify > POLICY_REPORT ? "mode"
        : d->depth < 0 || d->depth > POLICY_DEPTH_MAX ? "depth: not between 0 and 100"
        : !d->trust ? "trust: no bundle"
        : !is_version(d->min_version) || !is_version(d->max_version) ? "TLS version"
        : d->min_version > d->max_version ? "min_version is above max_version"
        : d->security_level < 0 || d->security_level > POLICY_LEVEL_MAX
            ? "security_level: not between 0 and 5"
        : d->ocsp < POLICY_OCSP_OFF || d->ocsp > POLICY_OCSP_HARD ? "ocsp: no such mode"
        : d->alpn < POLICY_ALPN_HTTP_1_1 || d->alpn > POLICY_ALPN_NONE ? "alpn: no such offer"
        : !are_names_valid(d) ? "names or pins"
        : !d->verify_name && d->name_count > 0 ? "names are wanted while verify_name is off"
        : !is_sni_valid(d) ? "sni: not a host name"
        : d->judges.n > 0 && d->resume ? "sessions are kept where plugins judge" : suites_check(d);
}

err_t policy_check(const struct policy_desc *desc, char why[POLICY_WHY])
{
    const char *fault = first_fault(desc);
    snprintf(why, POLICY_WHY, "%s", fault ? fault : "");
    return fault ? &err_tls_setup : NULL;
}

static void add_text(struct digest *digest, struct str s)
{
    digest_add_field(digest, s.p, s.n);
}

// Objects that may be missing: a digest or an empty field.
static void add_object(struct digest *digest, const unsigned char *sha256)
{
    digest_add_field(digest, sha256, sha256 ? DIGEST_SIZE : 0);
}

// The canonical bytes: every field of the description, each with its length. A new field must be
// added here, or two policies that differ in it are one.
static bool identify(const struct policy_desc *d, unsigned char out[DIGEST_SIZE])
{
    _Static_assert(sizeof(struct policy_desc) == 192, "a new field must be part of the identity");
    const int32_t numbers[] = {
        (int32_t)d->verify, d->depth, d->min_version, d->max_version, d->security_level,
        (int32_t)d->sni, (int32_t)d->name_count, (int32_t)d->pin_count, d->resume, d->verify_name,
        d->names_all, d->crl_chain, d->partial_chain, d->strict, (int32_t)d->ocsp,
        (int32_t)d->alpn,
    };
    struct digest digest;
    digest_begin(&digest);
    digest_add_field(&digest, numbers, sizeof(numbers));
    add_object(&digest, d->trust->sha256);
    add_object(&digest, d->next ? d->next->sha256 : NULL);
    add_object(&digest, d->credential ? d->credential->sha256 : NULL);
    add_object(&digest, d->crls ? d->crls->sha256 : NULL);
    for (uint32_t i = 0; i < d->name_count; i++) {
        const int32_t kind[] = { (int32_t)d->names[i].kind, d->names[i].domain };
        digest_add_field(&digest, kind, sizeof(kind));
        add_text(&digest, d->names[i].text);
    }
    for (uint32_t i = 0; i < d->pin_count; i++) {
        const int32_t kind = (int32_t)d->pins[i].kind;
        digest_add_field(&digest, &kind, sizeof(kind));
        digest_add_field(&digest, d->pins[i].sha256, DIGEST_SIZE);
    }
    add_text(&digest, d->sni_name);
    add_text(&digest, d->ciphers);
    add_text(&digest, d->ciphersuites);
    add_text(&digest, d->groups);
    add_text(&digest, d->sigalgs);
    add_text(&digest, d->judges);
    return digest_end(&digest, out);
}

static void copy_text(struct str *s)
{
    s->p = s->n > 0 ? xmemdup0(s->p, s->n) : NULL;
}

// Replaces what `d` borrows by copies of its own.
static void copy_parts(struct policy_desc *d)
{
    struct name *names = xcalloc(d->name_count + 1, sizeof(*names));
    for (uint32_t i = 0; i < d->name_count; i++) {
        names[i] = d->names[i];
        copy_text(&names[i].text);
    }
    d->names = names;
    struct pin *pins = xcalloc(d->pin_count + 1, sizeof(*pins));
    for (uint32_t i = 0; i < d->pin_count; i++)
        pins[i] = d->pins[i];
    d->pins = pins;
    copy_text(&d->sni_name);
    copy_text(&d->ciphers);
    copy_text(&d->ciphersuites);
    copy_text(&d->groups);
    copy_text(&d->sigalgs);
    copy_text(&d->judges);
}

static struct policy *build(const struct policy_desc *desc, const unsigned char sha256[DIGEST_SIZE])
{
    struct policy *p = xcalloc(1, sizeof(*p));
    p->desc = *desc;
    copy_parts(&p->desc);
    trust_ref(desc->trust);
    if (desc->next)
        trust_ref(desc->next);
    if (desc->credential)
        credential_ref(desc->credential);
    if (desc->crls)
        crls_ref(desc->crls);
    memcpy(p->sha256, sha256, DIGEST_SIZE);
    digest_hex(sha256, TRUST_ID / 2, p->id);
    return p;
}

// What is known already was checked when it was made.
err_t policy_intern(const struct policy_desc *desc, struct policy **out)
{
    *out = NULL;
    unsigned char sha256[DIGEST_SIZE];
    if (!desc->trust || !identify(desc, sha256))
        return &err_tls_setup;
    *out = intern_find(&policies, sha256);
    if (*out)
        return NULL;
    if (first_fault(desc))
        return &err_tls_setup;
    *out = intern_add(&policies, build(desc, sha256));
    return NULL;
}

err_t policy_in_force(const struct policy *p, bool resume, struct str judges, struct policy **out)
{
    struct policy_desc desc = p->desc;
    desc.resume = resume;
    policy_judged_by(&desc, judges);
    return policy_intern(&desc, out);
}

const char *policy_mode_name(enum policy_verify mode)
{
    return mode == POLICY_VERIFY ? "enforce" : mode == POLICY_NO_VERIFY ? "off" : "report";
}

struct policy *policy_ref(struct policy *p)
{
    intern_ref(p);
    return p;
}

void policy_unref(struct policy *p)
{
    if (p)
        intern_unref(&policies, p);
}

unsigned policy_interned(void)
{
    return intern_count(&policies);
}

void policy_sni_of(const struct policy *p, const struct peer_name *name, struct str host,
                   struct peer_name *out)
{
    bool known = true;
    if (p->desc.sni == POLICY_SNI_NAME)
        *out = *name;
    else if (p->desc.sni == POLICY_SNI_HOST)
        known = peer_name_parse(host, out) == NULL;
    else
        known = p->desc.sni == POLICY_SNI_FIXED && peer_name_parse(p->desc.sni_name, out) == NULL;
    if (!known || out->ip)
        *out = (struct peer_name){ 0 };
}
