// policy.c - checking, identifying and interning policies.

#include "tls/policy.h"

#include "base/mem.h"
#include "tls/digest.h"
#include "tls/intern.h"

#include <stdlib.h>

enum { TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 };

static void destroy(void *object)
{
    struct policy *p = object;
    trust_unref(p->desc.trust);
    credential_unref(p->desc.credential);
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
        .resume = true,
    };
}

static bool is_version(int v)
{
    return v == TLS_1_2 || v == TLS_1_3;
}

static bool is_valid(const struct policy_desc *d)
{
    return (d->verify == POLICY_VERIFY || d->verify == POLICY_NO_VERIFY)
        && d->depth >= 0 && d->depth <= POLICY_DEPTH_MAX
        && d->trust
        && is_version(d->min_version) && is_version(d->max_version)
        && d->min_version <= d->max_version;
}

// The canonical bytes: every field of the description, each with its length. A new field must be
// added here, or two policies that differ in it are one.
static bool identify(const struct policy_desc *d, unsigned char out[DIGEST_SIZE])
{
    _Static_assert(sizeof(struct policy_desc) == 40, "a new field must be part of the identity");
    const int32_t numbers[] = {
        (int32_t)d->verify, d->depth, d->min_version, d->max_version, d->resume,
    };
    struct digest digest;
    digest_begin(&digest);
    digest_add_field(&digest, numbers, sizeof(numbers));
    digest_add_field(&digest, d->trust->sha256, DIGEST_SIZE);
    if (d->credential)
        digest_add_field(&digest, d->credential->sha256, DIGEST_SIZE);
    return digest_end(&digest, out);
}

static struct policy *build(const struct policy_desc *desc, const unsigned char sha256[DIGEST_SIZE])
{
    struct policy *p = xcalloc(1, sizeof(*p));
    p->desc = *desc;
    trust_ref(desc->trust);
    if (desc->credential)
        credential_ref(desc->credential);
    memcpy(p->sha256, sha256, DIGEST_SIZE);
    digest_hex(sha256, TRUST_ID / 2, p->id);
    return p;
}

err_t policy_intern(const struct policy_desc *desc, struct policy **out)
{
    *out = NULL;
    unsigned char sha256[DIGEST_SIZE];
    if (!is_valid(desc) || !identify(desc, sha256))
        return &err_tls_setup;
    *out = intern_find(&policies, sha256);
    if (!*out)
        *out = intern_add(&policies, build(desc, sha256));
    return NULL;
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
