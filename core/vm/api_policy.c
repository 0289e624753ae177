// api_policy.c - every field of a description, checked and normalised.

#include "vm/api_policy.h"

#include "base/mem.h"
#include "vm/api.h"

#include <stdlib.h>

enum { DIGEST = 32, HEX = 2 * DIGEST };

static struct str text_of(struct weir_str s)
{
    return api_str(s.p, s.n);
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
        : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_digest(struct str s, unsigned char out[DIGEST])
{
    for (size_t i = 0; i < DIGEST && s.n == HEX; i++) {
        const int high = hex_value(s.p[2 * i]), low = hex_value(s.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return s.n == HEX;
}

// What a description says in arrays and words, in the core's form, until it is interned.
struct lists {
    struct name *names;
    struct pin *pins;
    struct crls *crls;
    struct peer_name sni;
    enum policy_alpn alpn;
};

static void release(struct lists *l, uint32_t name_count)
{
    for (uint32_t i = 0; i < name_count; i++)
        name_free(&l->names[i]);
    free(l->names);
    free(l->pins);
    crls_unref(l->crls);
}

static int read_names(const struct weir_policy_desc *d, struct lists *l)
{
    for (uint32_t i = 0; i < d->name_count; i++) {
        char why[NAME_WHY];
        if (name_parse(d->names[i].kind, text_of(d->names[i].value), &l->names[i], why) != NULL)
            return api_refuse("%s", why);
    }
    return 0;
}

static int read_pins(const struct weir_policy_desc *d, struct lists *l)
{
    for (uint32_t i = 0; i < d->pin_count; i++) {
        if (d->pins[i].kind != PIN_CERTIFICATE && d->pins[i].kind != PIN_KEY)
            return api_refuse("pin %u: no such kind", i + 1);
        l->pins[i].kind = (enum pin_kind)d->pins[i].kind;
        if (!read_digest(text_of(d->pins[i].sha256), l->pins[i].sha256))
            return api_refuse("pin %u: not 64 hexadecimal digits", i + 1);
    }
    return 0;
}

static int read_crls(const struct weir_policy_desc *d, struct lists *l)
{
    if (d->crl_count == 0)
        return 0;
    struct str *texts = xcalloc(d->crl_count, sizeof *texts);
    for (uint32_t i = 0; i < d->crl_count; i++)
        texts[i] = text_of(d->crls[i]);
    char why[CRL_WHY];
    err_t err = crls_intern(texts, d->crl_count, &l->crls, why);
    free(texts);
    return err ? api_refuse("%s", why) : 0;
}

static int read_sni(const struct weir_policy_desc *d, struct lists *l)
{
    if (d->sni < POLICY_SNI_NAME || d->sni > POLICY_SNI_HOST)
        return api_refuse("sni: no such mode");
    if (d->sni != POLICY_SNI_FIXED)
        return 0;
    struct str name = text_of(d->sni_name);
    if (peer_name_parse(name, &l->sni) != NULL || l->sni.ip || str_find(name, ':', 0) < name.n)
        return api_refuse("sni: not a host name");
    return 0;
}

static bool is_flag(int32_t n)
{
    return n == 0 || n == 1;
}

static int check_plain(const struct weir_policy_desc *d)
{
    if (!is_flag(d->partial_chain) || !is_flag(d->strict) || !is_flag(d->verify_name)
        || !is_flag(d->names_all) || !is_flag(d->crl_chain))
        return api_refuse("a switch is neither 0 nor 1");
    if (d->name_count > POLICY_LIST_MAX || d->pin_count > POLICY_LIST_MAX)
        return api_refuse("more than %d names or pins", POLICY_LIST_MAX);
    return 0;
}

static int read_alpn(const struct weir_policy_desc *d, struct lists *l)
{
    struct str alpn = text_of(d->alpn);
    const bool none = str_eq(alpn, STR("none"));
    l->alpn = none ? POLICY_ALPN_NONE : POLICY_ALPN_HTTP_1_1;
    if (none || alpn.n == 0 || str_eq(alpn, STR("http/1.1")))
        return 0;
    return api_refuse("alpn: http/1.1 or none; nothing else is spoken to upstreams");
}

static struct policy_desc describe(const struct weir_policy_desc *d, const struct lists *l)
{
    struct policy_desc desc = policy_desc_default((struct trust *)d->trust);
    desc.verify = (enum policy_verify)d->verify;
    desc.depth = d->depth;
    desc.next = (struct trust *)d->next;
    desc.credential = (struct credential *)d->credential;
    desc.crls = l->crls;
    desc.names = l->names;
    desc.name_count = d->name_count;
    desc.pins = l->pins;
    desc.pin_count = d->pin_count;
    if (d->min_version)
        desc.min_version = d->min_version;
    if (d->max_version)
        desc.max_version = d->max_version;
    if (d->security_level != -1)
        desc.security_level = d->security_level;
    desc.sni = (enum policy_sni)d->sni;
    desc.ocsp = (enum policy_ocsp)d->ocsp;
    desc.alpn = l->alpn;
    desc.sni_name = (struct str){ l->sni.text, l->sni.len };
    desc.ciphers = text_of(d->ciphers);
    desc.ciphersuites = text_of(d->ciphersuites);
    desc.groups = text_of(d->groups);
    desc.sigalgs = text_of(d->sigalgs);
    desc.verify_name = d->verify_name;
    desc.names_all = d->names_all;
    desc.crl_chain = d->crl_chain;
    desc.partial_chain = d->partial_chain;
    desc.strict = d->strict;
    return desc;
}

struct policy *api_policy(const struct weir_policy_desc *d)
{
    if (check_plain(d) != 0)
        return NULL;
    struct lists l = {
        .names = xcalloc(d->name_count + 1, sizeof *l.names),
        .pins = xcalloc(d->pin_count + 1, sizeof *l.pins),
    };
    struct policy *p = NULL;
    if (read_names(d, &l) == 0 && read_pins(d, &l) == 0 && read_crls(d, &l) == 0
        && read_sni(d, &l) == 0 && read_alpn(d, &l) == 0) {
        struct policy_desc desc = describe(d, &l);
        char why[POLICY_WHY] = "";
        if (policy_intern(&desc, &p) != NULL) {
            policy_check(&desc, why);
            api_refuse("%s", why[0] ? why : "the policy cannot be made");
        }
    }
    release(&l, d->name_count);
    return p;
}
