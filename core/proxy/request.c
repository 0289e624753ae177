// request.c - the states of a request and what moves it from one to the next.

#include "proxy/request.h"

#include "base/counter.h"
#include "http/error_page.h"
#include "http/path.h"
#include "proxy/answer.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/forward.h"
#include "proxy/hold.h"
#include "proxy/pick.h"
#include "proxy/report.h"

#include <sys/random.h>
#include <time.h>

// A body up to this size is kept while it is sent, so that a try that fails can be made again.
enum { REPLAY_MAX = 16 * 1024 };

static bool step_rewrite(struct request *r);
static bool step_route(struct request *r);
static bool step_access(struct request *r);

// What each state does when it is entered; true: go on with r->state now, false: a callback will.
static bool (*const steps[])(struct request *) = {
    [REQUEST_REWRITE] = step_rewrite,
    [REQUEST_ROUTE] = step_route,
    [REQUEST_ACCESS] = step_access,
    [REQUEST_PICK] = pick_begin,
};

void request_advance(struct request *r)
{
    while (r->state < ARRAY_LEN(steps) && steps[r->state](r))
        ;
}

// -- plugins --------------------------------------------------------------------------------------

// Kong's answer to a failing handler in access. That to one in another phase is its error page.
#define PLUGIN_ERROR_BODY STR("{\"message\":\"An unexpected error occurred\"}")

static void answer_failure(struct request *r)
{
    const bool answered_in_json = r->phase == PHASE_ACCESS || r->phase == PHASE_BALANCER;
    r->answer = STR_NONE;
    r->answer_set = r->said = false;
    if (!answered_in_json) {
        request_fail(r, &err_plugin);
        return;
    }
    r->response.status = 500;
    answer_local(r, PLUGIN_ERROR_BODY, STR("application/json; charset=utf-8"), SOURCE_ERROR);
}

bool request_after_phase(struct request *r, enum hook_result result)
{
    // What was said is the answer, also of a phase that ran to its end.
    switch (result == HOOK_DONE && r->said ? HOOK_EXIT : result) {
    case HOOK_DONE:
        return true;
    case HOOK_WAIT:
        if (r->body_wanted)
            client_want_body(r->client);
        return false;
    case HOOK_EXIT:
        r->said = false;
        request_answer(r, r->response.status, SOURCE_EXIT);
        return false;
    case HOOK_ERROR:
        break;
    }
    answer_failure(r);
    return false;
}

bool request_run_phase(struct request *r, enum phase phase)
{
    if ((r->plan->phases >> phase & 1) == 0)
        return true;
    return request_after_phase(r, r->proxy->hooks->run(r->view->plugins, r, phase));
}

void request_resume(struct request *r)
{
    if (r->state == REQUEST_DONE)
        return;
    if (request_after_phase(r, r->proxy->hooks->resume(r->view->plugins, r))) {
        if (r->state == REQUEST_RESPONSE)
            answer_held(r);
        else
            request_advance(r);
    }
    client_flush(r->client);
}

// -- head, route, access --------------------------------------------------------------------------

static uint64_t next_random(void)
{
    // xorshift64*: ids have to be unique, not secret.
    static _Thread_local uint64_t state;
    while (state == 0)
        if (getrandom(&state, sizeof state, 0) != sizeof state)
            state = 0;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1DULL;
}

// Eight hexadecimal digits, a byte each. Their order does not matter, for the bits are random.
static uint64_t digits_of(uint32_t bits)
{
    const uint64_t nibbles = (bits & 0x0F0F0F0F) | (uint64_t)(bits >> 4 & 0x0F0F0F0F) << 32;
    const uint64_t letters = (nibbles + 0x0606060606060606) >> 4 & 0x0101010101010101;  // 1 each
    return nibbles + 0x3030303030303030 + letters * ('a' - '0' - 10);
}

static void make_id(char id[33])
{
    for (unsigned half = 0; half < 2; half++) {
        const uint64_t bits = next_random();
        const uint64_t digits[] = { digits_of((uint32_t)bits), digits_of((uint32_t)(bits >> 32)) };
        memcpy(id + half * sizeof digits, digits, sizeof digits);
    }
    id[32] = '\0';
}

static int64_t epoch_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void release(struct task *t)
{
    struct request *r = container_of(t, struct request, release);
    proxy_recycle_request(r);
}

struct request *request_new(struct client *client)
{
    struct proxy *p = client->proxy;
    struct request *r = proxy_spare_request(p);
    r->proxy = p;
    r->client = client;
    r->view = view_pin(p->view);
    r->plan = r->view->snapshot->plans[PLAN_NO_ROUTE];
    r->state = REQUEST_REWRITE;
    r->started = p->loop->now;
    r->started_epoch = epoch_ms();
    r->upstream = -1;
    r->target = -1;
    make_id(r->id);
    head_init(&r->head, &r->arena);
    head_init(&r->service, &r->arena);
    head_init(&r->response, &r->arena);
    buf_init(&r->body, &p->loop->bufs);
    buf_init(&r->held, &p->loop->bufs);
    task_init(&r->release, release);
    return r;
}

// The host to route by: lower case, without port, brackets kept, without the trailing dot of a
// fully qualified name.
static struct str host_of(struct arena *a, struct str authority)
{
    size_t end = authority.n;
    if (authority.n > 0 && authority.p[0] == '[')
        end = str_find(authority, ']', 0) < authority.n ? str_find(authority, ']', 0) + 1
                                                        : authority.n;
    else
        end = str_find(authority, ':', 0);
    struct str host = str_sub(authority, 0, end);
    if (host.n > 1 && host.p[host.n - 1] == '.')
        host.n--;
    for (size_t i = 0; i < host.n; i++) {
        if (host.p[i] < 'A' || host.p[i] > 'Z')
            continue;
        struct str lower = arena_dup(a, host);
        for (char *p = (char *)(uintptr_t)lower.p; *p; p++)
            *p = str_lower_char(*p);
        return lower;
    }
    return host;
}

// A head may take its time to come: the configuration that counts is the one in force when it is
// complete.
static void use_newest_view(struct request *r)
{
    struct view *newest = r->proxy->view;
    if (r->view == newest)
        return;
    view_unpin(r->view);
    r->view = view_pin(newest);
    r->plan = newest->snapshot->plans[PLAN_NO_ROUTE];
}

static bool body_too_large(const struct request *r, uint64_t bytes)
{
    uint64_t max = r->view->snapshot->settings.client_max_body_size;
    return max > 0 && bytes > max;
}

static void refuse_body(struct request *r)
{
    r->close_after = true;
    request_fail(r, &err_body_too_large);
}

void request_begin(struct request *r)
{
    counter_add(&r->proxy->counters.requests, 1);
    r->body_kept = true;
    r->body_ended = !head_has_body(&r->head);
    use_newest_view(r);
    // What a Connection field names goes before plugins see it, so that a client cannot have the
    // fields removed that plugins add.
    head_remove_named(&r->head);
    r->host = host_of(&r->arena, r->head.authority);
    if (r->head.framing == FRAMING_LENGTH && body_too_large(r, r->head.content_length)) {
        refuse_body(r);
        return;
    }
    if (path_normalise(&r->arena, r->head.path, &r->path) != NULL) {
        request_fail(r, &err_bad_request);
        return;
    }
    request_advance(r);
}

static bool step_rewrite(struct request *r)
{
    r->state = REQUEST_ROUTE;
    return request_run_phase(r, PHASE_REWRITE);
}

// An https-only route that was asked in the clear (Kong: https_redirect_status_code). The request
// has not come to the route: of plugins, the global ones alone see the answer.
static void refuse_plain(struct request *r, const struct plan *plan)
{
    unsigned status = plan->https_redirect_status ? plan->https_redirect_status : 426;
    r->match = (struct route_match){ 0 };
    r->response.status = (uint16_t)status;
    if (status == 426) {
        head_add_id(&r->response, HEADER_CONNECTION, STR("Upgrade"));
        head_add_id(&r->response, HEADER_UPGRADE, STR("TLS/1.2, HTTP/1.1"));
        r->answer = STR("Please use HTTPS protocol");
    } else {
        head_add_id(
            &r->response, HEADER_LOCATION,
            arena_printf(&r->arena, "https://%.*s%.*s", STR_ARG(r->host), STR_ARG(r->head.target)));
    }
    request_answer(r, status, SOURCE_ERROR);
}

static void adopt_plan(struct request *r, const struct plan *plan)
{
    r->plan = plan;
    r->upstream = plan->upstream;
    r->tls = plan->tls;
    r->connect_timeout = plan->connect_timeout;
    r->write_timeout = plan->write_timeout;
    r->read_timeout = plan->read_timeout;
    r->tries_left = plan->retries;
}

static bool is_https(const struct request *r)
{
    if (r->client->tls)
        return true;
    const struct header *proto = head_get(&r->head, HEADER_X_FORWARDED_PROTO);
    return proto && str_eq_nocase(proto->value, STR("https")) &&
           forward_client((struct request *)(uintptr_t)r).trusted;
}

static bool step_route(struct request *r)
{
    const struct snapshot *s = r->view->snapshot;
    r->state = REQUEST_ACCESS;
    if (r->client->admin) {
        adopt_plan(r, s->plans[PLAN_ADMIN]);
        return true;
    }
    struct route_query q = {
        .head = &r->head,
        .host = r->host,
        .port = addr_port(&r->client->conn->local),
        .path = r->path,
        .sni = r->client->tls ? tls_server_sni(r->client->conn) : STR_NONE,
        .tls = r->client->tls,
    };
    if (!router_match(s->router, &q, &r->match)) {
        request_fail(r, &err_no_route);
        return false;
    }
    const struct plan *plan = s->plans[r->match.plan];
    if (plan->protocols == PLAN_PROTOCOL_HTTPS && !is_https(r)) {
        refuse_plain(r, plan);
        return false;
    }
    adopt_plan(r, plan);
    return true;
}

static bool step_access(struct request *r)
{
    r->state = REQUEST_PICK;
    return request_run_phase(r, PHASE_ACCESS);
}

// -- relay ----------------------------------------------------------------------------------------

// What was kept of the body goes (again) to the upstream; its bytes live in r->body until the
// exchange flushed them.
static void send_kept_body(struct request *r)
{
    struct str piece;
    for (size_t sent = 0; sent < r->body.len; sent += piece.n) {
        piece = buf_at(&r->body, sent);
        exchange_send_body(r->exchange, piece);
    }
}

void request_connected(struct request *r)
{
    struct exchange *e = r->exchange;
    bool chunked;
    struct str head = forward_head(r, r->shown_host, &chunked);
    r->state = REQUEST_RELAY;
    r->sent_upstream = r->proxy->loop->now;
    exchange_send_head(e, head, chunked);
    send_kept_body(r);
    if (r->body_ended || r->body_replaced)
        exchange_send_end(e);
    if (!r->body_ended)
        client_want_body(r->client);
    client_flush(r->client);
}

bool request_ready(const struct request *r)
{
    if (r->body_wanted)
        return true;
    return r->state == REQUEST_RELAY && !conn_congested(r->exchange->pc->conn);
}

static void keep_body(struct request *r, struct str piece)
{
    if (!r->body_kept)
        return;
    if (r->body.len + piece.n > REPLAY_MAX) {
        r->body_kept = false;
        buf_clear(&r->body);
        return;
    }
    buf_append(&r->body, piece.p, piece.n);
}

// A piece for the plugin that waits. When it is too much the plugin is told so; what was read goes
// to the upstream all the same, followed by the rest.
static void gather_body(struct request *r, struct str piece)
{
    buf_append(&r->body, piece.p, piece.n);
    if (r->body.len <= r->view->snapshot->settings.client_body_buffer_size)
        return;
    r->body_wanted = false;
    r->body_refused = true;
    request_resume(r);
}

void request_body(struct request *r, struct str piece)
{
    r->body_bytes += piece.n;
    if (r->state == REQUEST_DONE)
        return;
    if (body_too_large(r, r->body_bytes)) {
        refuse_body(r);
    } else if (r->body_wanted) {
        gather_body(r, piece);
    } else if (r->body_replaced) {
        return;
    } else if (r->state != REQUEST_RELAY) {
        // It came in one read with what a plugin was waiting for, and leaves with that.
        buf_append(&r->body, piece.p, piece.n);
    } else {
        keep_body(r, piece);
        exchange_send_body(r->exchange, piece);
    }
}

void request_body_end(struct request *r)
{
    if (r->body_ended)
        return;     // there was none, which was known from the head
    r->body_ended = true;
    if (r->state == REQUEST_DONE)
        return;
    if (r->body_wanted) {
        r->body_wanted = false;
        request_resume(r);
        return;
    }
    if (r->state == REQUEST_RELAY && !r->body_replaced)
        exchange_send_end(r->exchange);
}

static void refuse_response(struct request *r)
{
    report_line(r, LOG_ERR, STR_NONE, "%s while it was held for plugins",
                err_response_too_large.text);
    request_fail(r, &err_response_too_large);
}

void request_response_head(struct request *r)
{
    r->first_byte = r->proxy->loop->now;
    answer_take_head(r);
    r->holding = hold_wanted(r);
    if (!r->holding)
        answer_proxied_head(r);
}

void request_response_body(struct request *r, struct str piece)
{
    if (r->state != REQUEST_RELAY)
        return;
    if (!r->holding)
        answer_body(r, piece);
    else if (!hold_piece(r, piece))
        refuse_response(r);
}

void request_response_end(struct request *r)
{
    if (r->state != REQUEST_RELAY)
        return;
    if (!r->holding) {
        answer_end(r);
        return;
    }
    hold_end(r);
    exchange_end(r->exchange);
    r->state = REQUEST_RESPONSE;
    if (request_run_phase(r, PHASE_RESPONSE))
        answer_held(r);
    client_flush(r->client);
}

// -- failing --------------------------------------------------------------------------------------

void request_fail(struct request *r, err_t err)
{
    if (r->state == REQUEST_DONE)
        return;
    if (r->head_sent) {
        client_close(r->client);
        return;
    }
    // The fields of a response that was held are of no use for the error page.
    if (r->holding)
        head_init(&r->response, &r->arena);
    if (err == &err_no_route || err == &err_no_service)
        r->answer = str_from(err->text);
    request_answer(r, (unsigned)(err->status ? err->status : 500), SOURCE_ERROR);
}

void request_answer(struct request *r, unsigned status, enum response_source source)
{
    struct arena *a = &r->arena;
    r->response.status = (uint16_t)page_status(status);
    if (source == SOURCE_EXIT) {
        answer_local(r, r->answer, r->answer_type, source);
        return;
    }
    // What has a text of its own is said by Kong, the rest by nginx.
    bool own = r->answer.n > 0;
    enum page_type type =
        own ? page_accepted(&r->head)
            : page_negotiate(&r->head, r->view->snapshot->settings.error_default_type);
    struct str message = own ? r->answer : page_message(a, status);
    answer_local(r, page_body(a, type, message, (struct str){r->id, 32}), page_mime(type), source);
}

void request_abort(struct request *r, err_t err)
{
    if (r->state == REQUEST_DONE)
        return;
    bool answerable = err->status > 0 && !r->head_sent && !r->client->gone &&
                      err != &err_closed && err != &err_reset && err != &err_io;
    if (!r->aborted)
        report_line(r, LOG_INFO, STR_NONE, "%s", err->text);
    if (answerable) {
        r->close_after = true;
        request_fail(r, err);
        return;
    }
    r->aborted = true;
    if (r->client->gone)
        request_done(r);
    else
        client_close(r->client);    // comes back here; half an answer must not end like a whole one
}

void request_done(struct request *r)
{
    if (r->state == REQUEST_DONE)
        return;
    r->state = REQUEST_DONE;
    r->ended = r->proxy->loop->now;
    client_flush(r->client);
    if (r->query)
        resolve_cancel(r->query);
    // Before the connection is somebody else's: what plugins ask about it need not be copied.
    if ((r->plan->phases >> PHASE_LOG & 1) != 0)
        r->proxy->hooks->run(r->view->plugins, r, PHASE_LOG);
    if (r->exchange)
        exchange_end(r->exchange);
    report_access(r);
    r->proxy->hooks->release(r->view->plugins, r);
    client_answered(r->client, !r->close_after && !r->aborted);
}

void request_release(struct request *r)
{
    buf_clear(&r->body);
    buf_clear(&r->held);
    choice_done(&r->choice);
    attempt_done(&r->origin);
    loop_defer(r->proxy->loop, &r->release);
}
