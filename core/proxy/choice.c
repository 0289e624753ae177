// choice.c - the policy of a try: configuration first, then plugins.

#include "proxy/choice.h"

#include "proxy/request.h"

#include <assert.h>
#include <stdio.h>

void choice_done(struct tls_choice *c)
{
    policy_unref(c->base);
    trust_unref(c->trust);
    credential_unref(c->credential);
    *c = (struct tls_choice){ .failed = c->failed };
}

struct tls_choice choice_copy(const struct tls_choice *c)
{
    if (c->base)
        policy_ref(c->base);
    if (c->trust)
        trust_ref(c->trust);
    if (c->credential)
        credential_ref(c->credential);
    return *c;
}

void choice_take_policy(struct tls_choice *c, struct policy *p)
{
    policy_ref(p);
    choice_done(c);
    c->base = p;
    c->changed = true;
}

void choice_take_verify(struct tls_choice *c, enum policy_verify verify)
{
    c->verify = verify;
    c->changed = true;
}

void choice_take_depth(struct tls_choice *c, int depth)
{
    c->depth = depth;
    c->has_depth = c->changed = true;
}

void choice_take_trust(struct tls_choice *c, struct trust *t)
{
    trust_ref(t);
    trust_unref(c->trust);
    c->trust = t;
    c->changed = true;
}

void choice_take_credential(struct tls_choice *c, struct credential *credential)
{
    credential_ref(credential);
    credential_unref(c->credential);
    c->credential = credential;
    c->changed = true;
}

// What differs for the target of this try. A plugin may have sent the request to another upstream,
// or to no target of any: what is said about that place by name counts there, too.
static const struct target_policy *difference(const struct request *r)
{
    const struct plan *p = r->plan;
    if (p->target_count == 0)
        return NULL;
    if (r->target >= 0 && r->upstream == p->upstream)
        return p->of_target[r->target];
    return plan_target(p, r->pick_host, r->pick_port);
}

// The configuration's word; *out is NULL where it has none, for a service that speaks plain HTTP.
static err_t configured(const struct request *r, struct policy **out, char why[TRUST_WHY])
{
    const struct target_policy *t = difference(r);
    *out = t ? t->policy : r->plan->policy;
    if (!t || t->policy)
        return NULL;
    snprintf(why, TRUST_WHY, "target %.*s:%u: %.*s", STR_ARG(r->pick_host), r->pick_port,
             STR_ARG(t->error));
    return &err_tls_setup;
}

// What was chosen, over a policy; without one, over one that verifies and trusts nobody.
static err_t apply(const struct request *r, const struct policy *under, struct policy **out,
                   char why[TRUST_WHY])
{
    const struct tls_choice *c = &r->choice;
    struct trust *nobody = NULL;
    if (!under && trust_intern(NULL, 0, &nobody, why) != NULL)
        return &err_tls_setup;
    struct policy_desc desc = under ? under->desc : policy_desc_default(nobody);
    if (c->verify)
        desc.verify = c->verify;
    if (c->has_depth)
        desc.depth = c->depth;
    if (c->trust)
        desc.trust = c->trust;
    if (c->credential)
        desc.credential = c->credential;
    desc.resume = r->view->snapshot->settings.session_reuse;
    policy_judged_by(&desc, r->plan->judges);
    strcpy(why, "a plugin's choice of verification is not valid");
    err_t err = policy_intern(&desc, out);
    trust_unref(nobody);
    return err;
}

err_t choice_policy(struct request *r, struct policy **out, char why[TRUST_WHY])
{
    const struct tls_choice *c = &r->choice;
    *out = NULL;
    if (c->failed) {
        strcpy(why, "a plugin's choice of verification could not be made");
        return &err_tls_setup;
    }
    if (!r->tls)
        return NULL;
    struct policy *under = c->base;
    err_t err = under ? NULL : configured(r, &under, why);
    if (err)
        return err;
    if (c->changed)
        return apply(r, under, out, why);
    if (!under) {
        strcpy(why, "the service has no TLS policy");
        return &err_tls_setup;
    }
    assert(str_eq(under->desc.judges, r->plan->judges));
    *out = policy_ref(under);
    return NULL;
}

bool choice_differs(const struct request *r)
{
    return !r->choice.failed && !r->choice.base && difference(r);
}
