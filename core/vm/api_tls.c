// api_tls.c - trust bundles, credentials and policies as handles, and the choice of the current
// request among them.
//
// The handles are the interned objects themselves under the names that the ABI gives them; each
// handle is a reference.

#include "proxy/request.h"
#include "vm/api.h"
#include "vm/api_policy.h"

#include "base/mem.h"

#include <stdlib.h>

static struct trust *trust_of(struct weir_trust *t)
{
    return (struct trust *)t;
}

static struct credential *credential_of(struct weir_credential *c)
{
    return (struct credential *)c;
}

static struct policy *policy_of(struct weir_policy *p)
{
    return (struct policy *)p;
}

// -- handles --------------------------------------------------------------------------------------

struct weir_trust *weir_trust_new(const struct weir_str *pems, uint32_t count)
{
    struct str *texts = xcalloc(count ? count : 1, sizeof *texts);
    for (uint32_t i = 0; i < count; i++)
        texts[i] = api_str(pems[i].p, pems[i].n);
    struct trust *t = NULL;
    char why[TRUST_WHY] = "";
    err_t err = trust_intern(texts, count, &t, why);
    free(texts);
    if (err) {
        api_refuse("%s", why);
        return NULL;
    }
    return (struct weir_trust *)t;
}

void weir_trust_free(struct weir_trust *t)
{
    trust_unref(trust_of(t));
}

const char *weir_trust_id(const struct weir_trust *t)
{
    return ((const struct trust *)t)->id;
}

struct weir_credential *weir_credential_new(const char *cert, size_t certlen, const char *key,
                                            size_t keylen)
{
    struct credential *c = NULL;
    char why[TRUST_WHY] = "";
    if (credential_intern(api_str(cert, certlen), api_str(key, keylen), &c, why) != NULL) {
        api_refuse("%s", why);
        return NULL;
    }
    return (struct weir_credential *)c;
}

void weir_credential_free(struct weir_credential *c)
{
    credential_unref(credential_of(c));
}

struct weir_policy *weir_policy_new(const struct weir_policy_desc *d)
{
    struct policy *p = api_policy(d);
    return (struct weir_policy *)p;
}

struct weir_policy *weir_policy_in_force(const struct weir_policy *p, int resume,
                                         const char *judges, size_t n)
{
    struct policy *out = NULL;
    if (policy_in_force((const struct policy *)p, resume != 0, api_str(judges, n), &out) != NULL)
        api_refuse("the policy cannot be made");
    return (struct weir_policy *)out;
}

void weir_policy_free(struct weir_policy *p)
{
    policy_unref(policy_of(p));
}

const char *weir_policy_id(const struct weir_policy *p)
{
    return ((const struct policy *)p)->id;
}

// -- the current request's choice -----------------------------------------------------------------

static int fail(struct request *r, const char *why)
{
    r->choice.failed = true;
    return api_refuse("%s", why);
}

// The request that a plugin chooses for; else NULL with *refused. A choice made before
// the route is known could only be lost: the request fails.
static struct request *choosing(int *refused)
{
    struct request *r = api_request(API_UNSENT);
    *refused = WEIR_ERR_PHASE;
    if (!r || r->phase != PHASE_REWRITE)
        return r;
    *refused = fail(r, "verification cannot be chosen before the route is known");
    return NULL;
}

int weir_service_set_scheme(int tls)
{
    struct request *r = api_request(API_TARGET);
    if (!r)
        return WEIR_ERR_PHASE;
    r->tls = tls != 0;
    if (r->tls)
        r->choice.changed = true;       // a service that speaks plain HTTP has no policy
    return 0;
}

int weir_service_set_verify(int on)
{
    int refused;
    struct request *r = choosing(&refused);
    if (!r)
        return refused;
    choice_take_verify(&r->choice, on ? POLICY_VERIFY : POLICY_NO_VERIFY);
    return 0;
}

int weir_service_set_depth(int depth)
{
    int refused;
    struct request *r = choosing(&refused);
    if (!r)
        return refused;
    if (depth < 0 || depth > POLICY_DEPTH_MAX)
        return fail(r, "a verification depth is between 0 and 100");
    choice_take_depth(&r->choice, depth);
    return 0;
}

int weir_service_set_trust(struct weir_trust *t)
{
    int refused;
    struct request *r = choosing(&refused);
    if (!r)
        return refused;
    if (!t)
        return fail(r, "no trust bundle");
    choice_take_trust(&r->choice, trust_of(t));
    return 0;
}

int weir_service_set_credential(struct weir_credential *c)
{
    int refused;
    struct request *r = choosing(&refused);
    if (!r)
        return refused;
    if (!c)
        return fail(r, "no certificate");
    choice_take_credential(&r->choice, credential_of(c));
    return 0;
}

int weir_service_set_policy(struct weir_policy *p)
{
    int refused;
    struct request *r = choosing(&refused);
    if (!r)
        return refused;
    if (!p)
        return fail(r, "no policy");
    choice_take_policy(&r->choice, policy_of(p));
    return 0;
}
