// exchange.c - one try: connection, handshake, request out, response in.

#include "proxy/exchange.h"

#include "net/dial.h"
#include "proxy/client.h"
#include "proxy/forward.h"
#include "proxy/pick.h"
#include "proxy/report.h"
#include "proxy/request.h"
#include "tls/seen.h"
#include "tls/tally.h"

// What the try was doing when it failed, in nginx's words.
static const char *doing(const struct exchange *e)
{
    if (!e->ready)
        return e->fresh ? "SSL handshaking to upstream" : "connecting to upstream";
    if (e->head_seen)
        return "reading upstream";
    return e->sent_all ? "reading response header from upstream" : "sending request to upstream";
}

// What the upstream presented is kept for whoever plans to judge it otherwise.
static void keep_presented(const struct exchange *e)
{
    const struct tls_presented *presented = tls_client_presented(e->fresh);
    const struct verdict *v = tls_client_verdict(e->fresh);
    if (!presented || !v)
        return;
    const struct plan *plan = e->request->plan;
    const struct seen_peer peer = {
        .service_id = plan->service_id, .service_name = plan->service_name,
        .route_id = plan->route_id, .route_name = plan->route_name,
        .addr = &e->peer->addr, .name = &e->peer->name, .sni = &e->peer->sni,
        .policy = v->policy,
    };
    if (!seen_again(seen_process(), &peer, presented, v->code))
        seen_put(seen_process(), &peer, presented, tls_client_describe(e->fresh));
}

// Services are called as metrics of plugins call them: by their host where they have no name.
static void count_verdict(const struct exchange *e)
{
    const struct verdict *v = tls_client_verdict(e->fresh);
    const struct plan *plan = e->request->plan;
    if (v)
        tally_count(tally_process(), plan->service_name.n > 0 ? plan->service_name
                                                              : plan->service_host, v);
}

static void handshake_over(const struct exchange *e)
{
    keep_presented(e);
    count_verdict(e);
}

static void fail(struct exchange *e, err_t err)
{
    if (e->failed || e->complete)
        return;
    e->failed = true;
    if (e->fresh)
        handshake_over(e);
    pick_try_failed(e->request, err, doing(e));
}

// -- the response ---------------------------------------------------------------------------------

static void response_head(struct h1 *h)
{
    struct exchange *e = h->owner;
    e->head_seen = true;
    request_response_head(e->request);
}

static void response_body(struct h1 *h, struct str piece)
{
    struct exchange *e = h->owner;
    if (!e->failed)
        request_response_body(e->request, piece);
}

static void response_end(struct h1 *h)
{
    struct exchange *e = h->owner;
    e->complete = true;
}

static const struct h1_events response_events = {
    .head = response_head, .body = response_body, .end = response_end,
};

// Bytes that arrive in the very turn in which an idle connection was taken were sent before our
// request, and are the answer to nothing.
static bool is_stray(const struct exchange *e)
{
    return e->reused && !e->head_seen && e->taken == e->realms->loop->turn;
}

static size_t upstream_data(struct conn *c, const char *p, size_t n)
{
    struct exchange *e = c->owner;
    if (is_stray(e)) {
        fail(e, &err_reset);
        return n;
    }
    err_t err = NULL;
    size_t used = h1_feed(&e->h1, p, n, &err);
    if (e->failed || e->request->state == REQUEST_DONE)
        return n;
    if (err) {
        fail(e, err);
        return n;
    }
    if (e->complete) {
        e->clean = used == n;
        request_response_end(e->request);
        return n;
    }
    struct client *client = e->request->client;
    gather_flush(&client->out, client->conn);
    if (conn_congested(client->conn))
        exchange_pause(e);
    client_arm(client);
    exchange_arm(e);
    return n;
}

static void upstream_eof(struct conn *c)
{
    struct exchange *e = c->owner;
    err_t err = e->ready ? h1_eof(&e->h1) : &err_closed;
    if (e->complete && !e->failed)
        request_response_end(e->request);
    else
        fail(e, err ? err : &err_response_truncated);
}

static void upstream_drained(struct conn *c)
{
    struct exchange *e = c->owner;
    exchange_arm(e);
    conn_resume(e->request->client->conn);
    client_arm(e->request->client);
}

// A body that ends with the connection has no other end than this one, and without close_notify it
// may have been cut (RFC 9112 §9.8): it is passed on as truncated.
static void upstream_failed(struct conn *c, err_t why)
{
    struct exchange *e = c->owner;
    if (why == &err_read_timeout && !e->ready)
        why = &err_connect_timeout;
    else if (why == &err_read_timeout && conn_congested(c))
        why = &err_write_timeout;
    fail(e, why);
}

static const struct conn_user upstream_user = {
    .data = upstream_data,
    .eof = upstream_eof,
    .drained = upstream_drained,
    .failed = upstream_failed,
};

// -- the connection -------------------------------------------------------------------------------

static void use(struct exchange *e, struct peer_conn *pc)
{
    e->pc = pc;
    e->ready = true;
    conn_set_user(pc->conn, &upstream_user, e);
    head_init(&e->request->service, &e->request->arena);
    h1_init_response(&e->h1, &response_events, e, &e->request->service,
                     forward_method(e->request));
    request_connected(e->request);
}

static void verified(struct conn *c)
{
    struct exchange *e = c->owner;
    report_verdict(e->request, tls_client_verdict(c));
    handshake_over(e);
    e->fresh = NULL;
    handshake_end(&e->handshake);
    use(e, peer_conn_new(e->realms, e->peer, c));
}

// The plugins of the request's plan judge the certificate: the policy says that they do.
static bool judged(struct conn *c, const struct shown *p, char said[VERDICT_SAID])
{
    const struct exchange *e = c->owner;
    struct request *r = e->request;
    return r->proxy->hooks->judge(r->view->plugins, r, p, said);
}

static const struct tls_client_user shaker = { .ready = verified, .judge = judged };

static uint64_t time_left(const struct exchange *e)
{
    uint64_t now = e->realms->loop->now;
    return e->deadline > now ? e->deadline - now : 1;
}

static void shake_hands(struct exchange *e, struct conn *c)
{
    e->fresh = c;
    conn_set_timeout(c, time_left(e), false);
    err_t err = tls_client_start(e->realm->tls, c, &e->name, &e->peer->sni,
                                 &e->peer->sessions, &shaker);
    if (err)
        fail(e, err);
}

static void dialled(void *arg, struct conn *c, err_t err)
{
    struct exchange *e = arg;
    e->dial = NULL;
    if (err) {
        fail(e, err);
        return;
    }
    conn_set_user(c, &upstream_user, e);
    if (e->realm->tls) {
        shake_hands(e, c);
        return;
    }
    conn_start(c);
    use(e, peer_conn_new(e->realms, e->peer, c));
}

static void dial(struct exchange *e)
{
    e->dial = dial_start(e->realms->loop, &e->peer->addr, time_left(e), dialled, e);
}

static void use_again(struct exchange *e, struct peer_conn *pc)
{
    e->reused = true;
    e->taken = e->realms->loop->turn;
    use(e, pc);
}

// The wait for a handshake is over.
static void turn_came(struct handshake *h, struct peer_conn *pc, err_t err)
{
    struct exchange *e = container_of(h, struct exchange, handshake);
    if (err)
        fail(e, err);
    else if (pc)
        use_again(e, pc);
    else
        dial(e);
}

void exchange_start(struct request *r, struct policy *policy, bool derived, const struct addr *addr,
                    const struct peer_name *name, const struct peer_name *sni)
{
    struct realms *realms = &r->proxy->realms;
    struct exchange *e = arena_new(&r->arena, struct exchange);
    e->request = r;
    e->realms = realms;
    e->name = *name;
    handshake_init(&e->handshake, &realms->waiters, turn_came);
    r->exchange = e;

    char why[TRUST_WHY] = "";
    err_t err = realm_enter(realms, policy, r->view->snapshot->serial, derived, &e->realm, why);
    if (err) {
        report_line(r, LOG_CRIT, STR_NONE, "upstream TLS cannot be set up: %s", why);
        fail(e, err);
        return;
    }
    e->peer = peer_enter(realms, e->realm, addr, name, sni);
    e->deadline = realms->loop->now + r->connect_timeout;
    // A free connection of a peer that is waited for is theirs who came first.
    struct wait_queue *queue = &e->peer->queue;
    struct peer_conn *pc = list_empty(&queue->handshakes) ? peer_take(e->peer) : NULL;
    if (pc)
        use_again(e, pc);
    else if (!e->realm->tls || handshake_begin(&e->handshake))
        dial(e);
    else
        handshake_wait(&e->handshake, queue, r->connect_timeout);
}

// -- sending --------------------------------------------------------------------------------------

void exchange_send_head(struct exchange *e, struct str head, bool chunked)
{
    e->chunked = chunked;
    e->sent_any = true;
    gather_add(&e->out, e->pc->conn, head);
}

void exchange_send_body(struct exchange *e, struct str piece)
{
    if (e->chunked)
        gather_chunk(&e->out, e->pc->conn, piece);
    else
        gather_add(&e->out, e->pc->conn, piece);
}

void exchange_send_end(struct exchange *e)
{
    if (e->chunked)
        gather_add(&e->out, e->pc->conn, H1_LAST_CHUNK);
    e->sent_all = true;
}

void exchange_flush(struct exchange *e)
{
    if (!e->pc)
        return;
    gather_flush(&e->out, e->pc->conn);
    exchange_arm(e);
}

void exchange_arm(struct exchange *e)
{
    if (!e->pc)
        return;
    struct conn *c = e->pc->conn;
    struct request *r = e->request;
    if (conn_congested(c))
        conn_set_timeout(c, r->write_timeout, true);
    else if (c->paused || !e->sent_all)
        conn_set_timeout(c, 0, false);      // waiting for the client, whose own timer runs
    else
        conn_set_timeout(c, r->read_timeout, true);
}

void exchange_pause(struct exchange *e)
{
    if (e->pc)
        conn_pause(e->pc->conn);
}

void exchange_resume(struct exchange *e)
{
    if (!e->pc)
        return;
    conn_resume(e->pc->conn);
    exchange_arm(e);
}

void exchange_end(struct exchange *e)
{
    struct request *r = e->request;
    if (r->plan->phases != 0 && r->state != REQUEST_DONE)
        tried_judged(r, exchange_describe(e));
    r->exchange = NULL;
    handshake_end(&e->handshake);
    if (e->dial)
        dial_cancel(e->dial);
    if (e->fresh)
        conn_close(e->fresh);
    if (e->pc) {
        bool keep = e->complete && e->clean && e->sent_all && r->service.keep_alive &&
                    r->service.framing != FRAMING_CLOSE;
        e->pc->requests++;
        if (keep)
            peer_give(e->pc);
        else
            peer_conn_close(e->pc);
    }
    if (e->peer)
        peer_leave(e->realms, e->peer);
    if (e->realm)
        realm_leave(e->realms, e->realm);
}

const struct verdict *exchange_verdict(const struct exchange *e)
{
    return e->fresh ? tls_client_verdict(e->fresh) : NULL;
}

const struct verdict *exchange_describe(const struct exchange *e)
{
    struct conn *c = e->fresh ? e->fresh : e->pc ? e->pc->conn : NULL;
    return c && e->realm->tls ? tls_client_describe(c) : NULL;
}

const char *exchange_tls_reason(const struct exchange *e)
{
    const struct conn *c = e->fresh ? e->fresh : e->pc ? e->pc->conn : NULL;
    return c && e->realm->tls ? tls_client_reason(c) : "";
}
