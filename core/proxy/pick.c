// pick.c - from an upstream, or from what a plugin chose, to an exchange.

#include "proxy/pick.h"

#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/forward.h"
#include "proxy/report.h"
#include "proxy/request.h"
#include "proxy/retry.h"

// -- a target -------------------------------------------------------------------------------------

// Nothing goes to a target without the policy that is meant for it. One that has a policy of its
// own is passed over: others may have theirs.
static bool without_policy(struct request *r, err_t err, const char *why)
{
    report_line(r, LOG_CRIT, STR_NONE, "upstream TLS cannot be set up: %s", why);
    tried_failed(r, err);
    r->failure = err;
    r->state = REQUEST_PICK;
    if (choice_differs(r) && retry_elsewhere(r, true))
        return true;
    request_fail(r, err);
    return false;
}

// This and the functions below: true when another target is to be picked, false when this one is on
// its way or the request has ended.
static bool connect_to_target(struct request *r)
{
    r->state = REQUEST_CONNECT;
    r->tries++;
    tried_connect(r);

    struct str shown = forward_host(r, r->pick_host, r->pick_port);
    struct peer_name name = { .len = 0 };
    // A Host that can be no name leaves the name empty: nothing is sent as SNI, and verification
    // refuses it.
    if (r->tls && peer_name_parse(shown, &name) != NULL)
        name = (struct peer_name){ .len = 0 };
    r->shown_host = shown;

    struct policy *policy;
    char why[TRUST_WHY] = "";
    err_t err = choice_policy(r, &policy, why);
    if (err)
        return without_policy(r, err, why);
    struct peer_name sni = { .len = 0 };
    if (policy)
        policy_sni_of(policy, &name, r->head.authority, &sni);
    exchange_start(r, policy, r->choice.changed, &r->upstream_addr, &name, &sni);
    policy_unref(policy);
    return false;
}

static bool pick_target(struct request *r);
static bool locate_target(struct request *r);

// Plugins may choose, once for each try, now that its target is known. False: the request has
// ended.
static bool ask_balancer(struct request *r)
{
    if (r->balanced)
        return true;
    r->balanced = true;
    return request_run_phase(r, PHASE_BALANCER);
}

static bool use_address(struct request *r, const struct addr *addr)
{
    const char *target = r->target_host.p;
    r->upstream_addr = *addr;
    addr_set_port(&r->upstream_addr, r->pick_port);
    if (!ask_balancer(r))
        return false;
    if (r->target_host.p == target)
        return connect_to_target(r);
    pick_target(r);     // what plugins chose
    return locate_target(r);
}

static bool use_resolved(struct request *r, const struct resolved *answer)
{
    uint32_t turn = r->tries;
    if (r->target >= 0)
        turn = r->view->balancers[r->upstream].targets[r->target].turn++;
    return use_address(r, &answer->addrs[turn % answer->count]);
}

static bool without_address(struct request *r, err_t err)
{
    report_line(r, LOG_ERR, STR_NONE, "%.*s could not be resolved (%s)", STR_ARG(r->pick_host),
                err->text);
    r->failure = &err_dns_failed;
    if (retry_elsewhere(r, false))
        return true;
    request_fail(r, &err_dns_failed);
    return false;
}

static void resolved(void *arg, const struct resolved *answer, err_t err)
{
    struct request *r = arg;
    r->query = NULL;
    if (err ? without_address(r, err) : use_resolved(r, answer))
        request_advance(r);
    client_flush(r->client);
}

static bool pick_target(struct request *r)
{
    if (r->target_host.p) {
        r->pick_host = r->target_host;
        r->pick_port = r->target_port;
        r->target = -1;
        return true;
    }
    struct balancer *b = &r->view->balancers[r->upstream];
    if (!balancer_has(b, r->refused | r->failed))
        r->failed = 0;
    r->target = balancer_next(b, r->refused | r->failed);
    if (r->target < 0)
        return false;
    const struct target *t = &r->view->snapshot->upstreams[r->upstream].targets[r->target];
    r->pick_host = t->host;
    r->pick_port = t->port;
    return true;
}

// Finds the address of the target that was picked, and goes on with it, maybe later.
static bool locate_target(struct request *r)
{
    if (r->target >= 0) {
        const struct target *t = &r->view->snapshot->upstreams[r->upstream].targets[r->target];
        if (t->ip)
            return use_address(r, &t->addr);
    }
    struct resolved answer;
    if (!resolve(r->proxy->resolver, r->pick_host, &answer, &r->query, resolved, r))
        return false;
    r->query = NULL;
    return use_resolved(r, &answer);
}

bool pick_begin(struct request *r)
{
    attempt_begin(r);
    tried_begin(r);
    if (r->plan->error.n > 0) {
        report_line(r, LOG_ERR, STR_NONE, "the service cannot be used: %.*s",
                    STR_ARG(r->plan->error));
        request_fail(r, &err_tls_setup);
        return false;
    }
    if (r->upstream < 0 && !r->target_host.p) {
        request_fail(r, &err_no_service);
        return false;
    }
    if (!pick_target(r)) {
        report_line(r, LOG_ERR, STR_NONE, "no target of the upstream can be used");
        request_fail(r, &err_no_peer);
        return false;
    }
    return locate_target(r);
}

// -- another try ----------------------------------------------------------------------------------

// Whether the plugin that wants to be asked agrees to another try. It may choose another target for
// that, which then holds for those after it, too. Where an upstream entity has targets to choose
// from, nobody is asked. False: the request has ended.
static bool ask_before_retry(struct request *r)
{
    if (!r->retry_asks)
        return true;
    attempt_begin(r);
    if (r->upstream >= 0 && !r->view->snapshot->upstreams[r->upstream].implicit)
        return true;
    const enum hook_result result = r->proxy->hooks->retry(r->view->plugins, r);
    if (result == HOOK_ERROR) {
        request_fail(r, &err_no_peer);
        return false;
    }
    attempt_keep(r);
    return request_after_phase(r, result);
}

void pick_try_failed(struct request *r, err_t err, const char *doing)
{
    r->failure = err;
    tried_failed(r, err);
    const bool free = retry_is_free(r, err);
    if (!free)
        report_try(r, err, doing);
    const bool retry = retry_after(r, err);
    exchange_end(r->exchange);
    r->state = REQUEST_PICK;
    if (retry) {
        if (free || ask_before_retry(r))
            request_advance(r);
    } else if (r->head_sent) {
        r->aborted = true;      // half a response must not look like a whole one
        client_close(r->client);
    } else {
        request_fail(r, err);
    }
    client_flush(r->client);
}
