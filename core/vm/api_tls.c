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

// The choice holds trust and credential, which plugins replace one by one; all else stays with the
// policy that it begins with.
static void begin_with(struct tls_choice *choice, struct policy *p)
{
    choice->base = policy_ref(p);
    choice->desc = p->desc;
    trust_ref(p->desc.trust);
    if (p->desc.credential)
        credential_ref(p->desc.credential);
}

static void let_go(struct tls_choice *choice)
{
    trust_unref(choice->desc.trust);
    credential_unref(choice->desc.credential);
    policy_unref(choice->base);
}

// The description that a plugin is about to change: what earlier choices made, else the plan's. A
// plan without a policy (its service speaks plain HTTP) begins with one that verifies and trusts
// nobody. NULL when there is no such thing.
static struct policy_desc *chosen(struct request *r)
{
    struct tls_choice *choice = &r->choice;
    if (choice->changed)
        return &choice->desc;
    if (r->plan->policy) {
        begin_with(choice, r->plan->policy);
    } else {
        struct trust *nobody = NULL;
        char why[TRUST_WHY] = "";
        if (trust_intern(NULL, 0, &nobody, why) != NULL) {
            fail(r, why);
            return NULL;
        }
        choice->desc = policy_desc_default(nobody);
        choice->desc.resume = r->view->snapshot->settings.session_reuse;
    }
    choice->changed = true;
    return &choice->desc;
}

// The request that a plugin chooses for; else NULL with *refused. Before the route is known there
// is no policy to begin with, so that a choice made there could only be lost: the request fails.
static struct request *choosing(int *refused)
{
    struct request *r = api_request(API_BEFORE);
    *refused = WEIR_ERR_PHASE;
    if (!r || r->phase == PHASE_ACCESS)
        return r;
    *refused = fail(r, "verification cannot be chosen before the route is known");
    return NULL;
}

int weir_service_set_scheme(int tls)
{
    struct request *r = api_request(API_ACCESS);
    if (!r)
        return WEIR_ERR_PHASE;
    r->tls = tls != 0;
    if (r->tls && !chosen(r))
        return WEIR_ERR_BAD;
    return 0;
}

int weir_service_set_verify(int on)
{
    int refused;
    struct request *r = choosing(&refused);
    if (!r)
        return refused;
    struct policy_desc *desc = chosen(r);
    if (!desc)
        return WEIR_ERR_BAD;
    desc->verify = on ? POLICY_VERIFY : POLICY_NO_VERIFY;
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
    struct policy_desc *desc = chosen(r);
    if (!desc)
        return WEIR_ERR_BAD;
    desc->depth = depth;
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
    struct policy_desc *desc = chosen(r);
    if (!desc)
        return WEIR_ERR_BAD;
    trust_unref(desc->trust);
    desc->trust = trust_ref(trust_of(t));
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
    struct policy_desc *desc = chosen(r);
    if (!desc)
        return WEIR_ERR_BAD;
    if (desc->credential)
        credential_unref(desc->credential);
    desc->credential = credential_ref(credential_of(c));
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
    struct tls_choice *choice = &r->choice;
    if (choice->changed)
        let_go(choice);
    begin_with(choice, policy_of(p));
    choice->desc.resume = r->view->snapshot->settings.session_reuse;
    choice->changed = true;
    return 0;
}
