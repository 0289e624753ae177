// answer.c - the response as the client sees it.

#include "proxy/answer.h"

#include "base/version.h"
#include "proxy/client.h"
#include "proxy/forward.h"

// -- head -----------------------------------------------------------------------------------------

static struct str number(struct arena *a, uint64_t n)
{
    char digits[STR_DECIMAL];
    return arena_dup(a, str_decimal(n, digits));
}

static void add_own_fields(struct request *r)
{
    const struct settings *s = &r->view->snapshot->settings;
    struct head *h = &r->response;
    struct arena *a = &r->arena;
    if (r->source == SOURCE_SERVICE) {
        if (s->header_latency_upstream)
            head_set_id(h, HEADER_X_KONG_UPSTREAM_LATENCY,
                        number(a, r->first_byte - r->sent_upstream));
        if (s->header_latency_proxy)
            head_set_id(h, HEADER_X_KONG_PROXY_LATENCY, number(a, r->sent_upstream - r->started));
        if (s->header_upstream_status)
            head_set_id(h, HEADER_X_KONG_UPSTREAM_STATUS, number(a, r->service.status));
        if (s->header_via)
            head_add_id(h, HEADER_VIA, STR("1.1 " WEIR_NAME));
    } else {
        if (!head_has(h, HEADER_DATE))
            head_add_id(h, HEADER_DATE, arena_dup(a, log_time_http()));
        if (s->header_latency_response)
            head_set_id(h, HEADER_X_KONG_RESPONSE_LATENCY,
                        number(a, r->proxy->loop->now - r->started));
    }
    if (s->header_server && !head_has(h, HEADER_SERVER))
        head_add_id(h, HEADER_SERVER, STR(WEIR_NAME));
    if (s->header_request_id)
        head_set_id(h, HEADER_X_KONG_REQUEST_ID, (struct str){ r->id, 32 });
}

static bool has_body_filter(const struct request *r)
{
    return (r->plan->phases >> PHASE_BODY_FILTER & 1) != 0;
}

// How the body is delimited for the client: as it came, but chunked where its length is not known
// (any more), and by the connection's end for HTTP/1.0. `filtered`: plugins may still change it.
static void choose_framing(struct request *r, bool filtered)
{
    struct head *h = &r->response;
    r->head_only = r->head.method_id == METHOD_HEAD || h->status == 204 || h->status == 304;
    r->chunked_out = false;
    if (r->head_only) {
        // HTTP/1.0 does not know the coding (RFC 9112 §6.1), and the length of a 304 would be that
        // of a body which only the service knows.
        bool unknown = h->framing == FRAMING_CHUNKED && r->head.minor == 0;
        bool own = h->status == 304 && r->source != SOURCE_SERVICE;
        if (h->status == 204 || unknown || own)
            h->framing = FRAMING_NONE;
        return;
    }
    if (h->framing == FRAMING_LENGTH && !filtered)
        return;
    if (h->framing == FRAMING_NONE && !filtered) {
        h->framing = FRAMING_LENGTH;
        h->content_length = 0;
        return;
    }
    r->chunked_out = r->head.minor >= 1;
    h->framing = r->chunked_out ? FRAMING_CHUNKED : FRAMING_CLOSE;
    if (!r->chunked_out)
        r->close_after = true;
}

// A client whose request body is still on its way may go on sending it for ever: unless the rest is
// known to be small, or the upstream takes it anyway, the connection ends with the answer. One that
// waits for our 100 never sends it.
enum { DISCARD_MAX = 64 * 1024 };

static bool body_blocks_connection(const struct request *r)
{
    if (r->body_ended)
        return false;
    if (r->head.expect_continue && r->body_bytes == 0)
        return true;
    bool small =
        r->head.framing == FRAMING_LENGTH && r->head.content_length - r->body_bytes <= DISCARD_MAX;
    return !small;
}

static void send_head(struct request *r, bool filtered)
{
    struct client *c = r->client;
    if (!r->head.keep_alive || r->proxy->draining || body_blocks_connection(r))
        r->close_after = true;
    choose_framing(r, filtered);
    struct str connection = r->close_after ? STR("close") : STR("keep-alive");
    r->head_sent = true;
    if (c->gone)
        return;
    struct str head = head_write_response(&r->response, &r->arena, connection);
    r->response_head_bytes = head.n;
    gather_add(&c->out, c->conn, head);
}

// Returns false when a plugin failed: the head is empty again, and the request ends with our error.
static bool filter_head(struct request *r)
{
    r->answer_set = false;      // what a phase before left does not count any more
    if ((r->plan->phases >> PHASE_HEADER_FILTER & 1) == 0)
        return true;
    if (r->proxy->hooks->run(r->view->plugins, r, PHASE_HEADER_FILTER) == HOOK_DONE)
        return true;
    head_init(&r->response, &r->arena);
    r->answer = STR_NONE;
    r->answer_set = false;
    request_fail(r, &err_plugin);
    return false;
}

void answer_take_head(struct request *r)
{
    // Fields that plugins set before (kong.response.set_header in access) stay, as nginx keeps
    // them.
    struct head early = r->response;
    struct head *h = &r->response;
    head_copy(h, &r->service, early.count + 12);
    head_strip_hop_by_hop(h);
    for (unsigned i = 0; i < early.count; i++)
        if (!early.headers[i].removed)
            head_add(h, early.headers[i].name, early.headers[i].value);
    // Asked with HEAD where the client did not, the service describes a body that it does not send.
    if (forward_method(r) == METHOD_HEAD && r->head.method_id != METHOD_HEAD)
        h->framing = FRAMING_NONE;
    r->source = SOURCE_SERVICE;
    add_own_fields(r);
}

// -- body -----------------------------------------------------------------------------------------

// Runs body_filter over a piece; the result is in r->chunk.
static void filter_body(struct request *r, struct str piece, bool last)
{
    r->chunk = piece;
    r->chunk_last = last;
    if (!has_body_filter(r))
        return;
    if (r->proxy->hooks->run(r->view->plugins, r, PHASE_BODY_FILTER) == HOOK_DONE)
        return;
    // The head is out, so nothing can be said any more: the client must not take half a body for a
    // whole one.
    r->aborted = true;
    client_close(r->client);
}

static void send_piece(struct request *r, struct str piece)
{
    struct client *c = r->client;
    if (r->head_only || c->gone || piece.n == 0)
        return;
    r->response_bytes += piece.n;
    if (r->chunked_out)
        gather_chunk(&c->out, c->conn, piece);
    else
        gather_add(&c->out, c->conn, piece);
}

void answer_body(struct request *r, struct str piece)
{
    if (piece.n == 0)
        return;
    filter_body(r, piece, false);
    send_piece(r, r->chunk);
}

void answer_end(struct request *r)
{
    struct client *c = r->client;
    if (r->state == REQUEST_DONE)
        return;     // a plugin failed in body_filter
    if (has_body_filter(r)) {
        filter_body(r, STR_NONE, true);
        send_piece(r, r->chunk);
    }
    if (r->chunked_out && !r->head_only && !c->gone)
        gather_add(&c->out, c->conn, H1_LAST_CHUNK);
    request_done(r);
}

// -- heads and whole answers ----------------------------------------------------------------------

// nginx's status for an answer that is none: the connection ends.
enum { STATUS_CLOSE = 444 };

// Sends a head and a body that is there as a whole; the request ends with it. The filters go over
// the body first, so that the head has its length; they find the head settled as with other bodies.
static void send_whole(struct request *r, struct str body)
{
    if (r->response.status == STATUS_CLOSE) {
        r->aborted = true;
        client_close(r->client);
        return;
    }
    r->head_sent = true;
    if (body.n > 0) {
        filter_body(r, body, false);
        body = r->chunk;
    }
    if (r->state != REQUEST_DONE)
        filter_body(r, STR_NONE, true);
    if (r->state == REQUEST_DONE)
        return;     // a plugin failed
    struct str rest = r->chunk;
    r->response.framing = FRAMING_LENGTH;
    r->response.content_length = body.n + rest.n;
    send_head(r, false);
    send_piece(r, body);
    send_piece(r, rest);
    request_done(r);
}

void answer_proxied_head(struct request *r)
{
    if (!filter_head(r))
        return;
    // kong.response.exit() in header_filter: the upstream's body gives way to the plugin's.
    if (r->answer_set)
        send_whole(r, r->answer);
    else
        send_head(r, has_body_filter(r));
}

void answer_held(struct request *r)
{
    answer_proxied_head(r);
    if (r->state == REQUEST_DONE)
        return;     // a plugin failed in header_filter, or made an answer of its own
    answer_body(r, r->held_text);
    answer_end(r);
}

void answer_local(struct request *r, struct str body, struct str content_type,
                  enum response_source source)
{
    struct head *h = &r->response;
    r->source = source;
    if (content_type.n > 0 && !head_has(h, HEADER_CONTENT_TYPE))
        head_add_id(h, HEADER_CONTENT_TYPE, content_type);
    h->minor = 1;
    add_own_fields(r);
    // An answer that says that a plugin failed in header_filter does not go through it again.
    bool filtered = source == SOURCE_ERROR && r->phase == PHASE_HEADER_FILTER;
    if (!filtered && !filter_head(r))
        return;
    send_whole(r, r->answer_set ? r->answer : body);
}
