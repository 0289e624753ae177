// retry.c - what makes another try possible.

#include "proxy/retry.h"

#include "proxy/exchange.h"
#include "proxy/forward.h"
#include "proxy/request.h"

// The next try does without this try's target: for good when its certificate was refused or it has
// no policy (asked again it would be the same), else until all others have been asked.
static void pass_over_target(struct request *r, bool for_good)
{
    if (r->target < 0 || r->target >= 64)
        return;
    uint64_t bit = 1ULL << r->target;
    *(for_good ? &r->refused : &r->failed) |= bit;
}

// Whether the upstream has a target that is not in the set.
static bool has_target_beside(const struct request *r, uint64_t set)
{
    return r->target >= 0 && balancer_has(&r->view->balancers[r->upstream], set);
}

static bool is_idempotent(enum method m)
{
    return m != METHOD_POST && m != METHOD_PATCH && m != METHOD_CONNECT && m != METHOD_OTHER;
}

// Nothing of a response went out, everything sent can be sent again, and the method allows it.
static bool is_repeatable(const struct request *r)
{
    const struct exchange *e = r->exchange;
    if (r->head_sent || r->aborted || e->head_seen)
        return false;
    return !e->sent_any || (r->body_kept && is_idempotent(forward_method(r)));
}

bool retry_is_free(const struct request *r, err_t err)
{
    return r->exchange->reused && err->retryable && is_repeatable(r);
}

bool retry_after(struct request *r, err_t err)
{
    if (retry_is_free(r, err))
        return true;
    const bool refused = err == &err_tls_verify;
    pass_over_target(r, refused);
    if (r->tries_left == 0 || !is_repeatable(r))
        return false;
    if (refused ? !has_target_beside(r, r->refused) : !err->retryable)
        return false;
    r->tries_left--;
    return true;
}

bool retry_elsewhere(struct request *r, bool for_good)
{
    pass_over_target(r, for_good);
    const uint64_t set = for_good ? r->refused : r->refused | r->failed;
    if (r->tries_left == 0 || !has_target_beside(r, set))
        return false;
    r->tries_left--;
    return true;
}
