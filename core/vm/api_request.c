// api_request.c - questions about the current request: texts, numbers, the body.

#include "conf/regex.h"
#include "proxy/client.h"
#include "proxy/forward.h"
#include "vm/api.h"

struct str api_ip(struct request *r, const struct addr *addr)
{
    char ip[ADDR_TEXT];
    const size_t n = addr_format_ip(addr, ip);
    return arena_dup(&r->arena, api_str(ip, n));
}

// -- texts ----------------------------------------------------------------------------------------

// What is known of a client without a request.
static struct str peer_text(const struct client *c, int what)
{
    switch (what) {
    case WEIR_CLIENT_IP:
        return api_str(c->ip, c->ip_len);
    case WEIR_REQUEST_SNI:
        return c->tls ? tls_server_sni(c->conn) : STR_NONE;
    default:
        return STR_NONE;
    }
}

static struct str client_text(struct request *r, int what)
{
    const struct client *c = r->client;
    switch (what) {
    case WEIR_CLIENT_FORWARDED_IP:
        return forward_client(r).ip;
    case WEIR_SERVER_ADDR:
        return api_ip(r, &c->conn->local);
    case WEIR_TLS_VERSION:
        return c->tls ? str_from(tls_server_version(c->conn)) : STR_NONE;
    case WEIR_TLS_CIPHER:
        return c->tls ? str_from(tls_server_cipher(c->conn)) : STR_NONE;
    default:
        return peer_text(c, what);
    }
}

static struct str upstream_address(struct request *r)
{
    char text[ADDR_TEXT];
    if (r->upstream_addr.len == 0)
        return STR_NONE;
    size_t n = addr_format(&r->upstream_addr, text);
    return arena_dup(&r->arena, api_str(text, n));
}

static struct str client_query(const struct request *r)
{
    return r->head.has_query ? r->head.query : STR_NONE;
}

// The Host header: before the first try that of the client or of the service, which the target may
// change.
static struct str host_out(struct request *r)
{
    if (r->shown_host.p)
        return r->shown_host;
    if (r->out_host.p || r->plan->service_id.n == 0)
        return r->out_host;
    return forward_host(r, r->plan->service_host, r->plan->service_port);
}

static struct str service_text(struct request *r, int what)
{
    switch (what) {
    case WEIR_SERVICE_PATH_OUT:
        return r->plan->service_id.n || r->out_path.p ? forward_path(r) : STR_NONE;
    case WEIR_SERVICE_QUERY_OUT:
        return r->out_query.p ? r->out_query : client_query(r);
    case WEIR_SERVICE_METHOD_OUT:
        return r->out_method.p ? r->out_method : r->head.method;
    case WEIR_SERVICE_HOST_OUT:
        return host_out(r);
    case WEIR_SERVICE_TARGET_OUT:
        return r->upstream_addr.len ? forward_target(r) : STR_NONE;
    case WEIR_UPSTREAM_ADDR:
        return upstream_address(r);
    default:
        return client_text(r, what);
    }
}

// A text that there is not has no bytes' address; an empty one has.
static struct str request_text(struct request *r, int what)
{
    switch (what) {
    case WEIR_REQUEST_METHOD:
        return r->head.method;
    case WEIR_REQUEST_TARGET:
        return r->head.target;
    case WEIR_REQUEST_PATH:
        return r->head.path;
    case WEIR_REQUEST_PATH_NORMAL:
        return r->path;
    case WEIR_REQUEST_QUERY:
        return client_query(r);
    case WEIR_REQUEST_HOST:
        return r->head.authority;
    case WEIR_REQUEST_ID:
        return api_str(r->id, 32);
    case WEIR_ROUTE_PREFIX:
        return r->plan->route_id.n ? str_sub(r->path, 0, r->match.prefix_len) : STR_NONE;
    default:
        return service_text(r, what);
    }
}

int weir_request_str(int what, struct weir_str *out)
{
    struct request *r = api_request(API_ANY);
    if (!r && !turn.client)
        return WEIR_ERR_PHASE;
    struct str text = r ? request_text(r, what) : peer_text(turn.client, what);
    if (!text.p)
        return WEIR_ERR_NONE;
    api_give(out, text);
    return 0;
}

int weir_route_captures(struct weir_str *out, int max)
{
    struct request *r = api_request(API_ANY);
    if (!r)
        return WEIR_ERR_PHASE;
    const struct route_match *m = &r->match;
    for (int i = 0; i < (int)m->captures && i < max; i++) {
        const int from = m->capture[2 * i], to = m->capture[2 * i + 1];
        out[i] = (struct weir_str){ NULL, 0 };
        if (from >= 0)
            api_give(&out[i], str_sub(r->path, (size_t)from, (size_t)to));
    }
    return (int)m->captures;
}

int weir_route_capture_name(uint32_t index, struct weir_str *name)
{
    struct request *r = api_request(API_ANY);
    if (!r)
        return WEIR_ERR_PHASE;
    struct str text;
    const unsigned group = r->match.regex ? regex_name(r->match.regex, index, &text) : 0;
    if (group == 0)
        return WEIR_ERR_NONE;
    api_give(name, text);
    return (int)group;
}

// -- numbers --------------------------------------------------------------------------------------

// Times of a try that the upstream did not answer are there for the first only.
static int64_t latency(const struct request *r, int what)
{
    const uint64_t end = r->ended ? r->ended : r->proxy->loop->now;
    const bool answered = r->first_byte && r->sent_upstream;
    const uint64_t upstream = answered ? r->first_byte - r->sent_upstream : 0;
    switch (what) {
    case WEIR_LATENCY_PROXY:
        return r->sent_upstream ? (int64_t)(r->sent_upstream - r->started) : WEIR_ERR_NONE;
    case WEIR_LATENCY_UPSTREAM:
        return answered ? (int64_t)upstream : WEIR_ERR_NONE;
    case WEIR_LATENCY_RECEIVE:
        return answered ? (int64_t)(end - r->first_byte) : WEIR_ERR_NONE;
    case WEIR_LATENCY_KONG:
        return (int64_t)(end - r->started - upstream);
    default:
        return (int64_t)(end - r->started);
    }
}

static int64_t response_number(const struct request *r, int what)
{
    switch (what) {
    case WEIR_RESPONSE_STATUS:
        return r->response.status ? r->response.status : WEIR_ERR_NONE;
    case WEIR_RESPONSE_SOURCE:
        return r->source;
    case WEIR_RESPONSE_SENT:
        return r->head_sent;
    case WEIR_RESPONSE_BYTES:
        return (int64_t)r->response_bytes;
    case WEIR_RESPONSE_HEAD_BYTES:
        return (int64_t)r->response_head_bytes;
    case WEIR_SERVICE_STATUS:
        return r->service.status ? r->service.status : WEIR_ERR_NONE;
    case WEIR_LATENCY_PROXY:
    case WEIR_LATENCY_UPSTREAM:
    case WEIR_LATENCY_RECEIVE:
    case WEIR_LATENCY_KONG:
    case WEIR_LATENCY_REQUEST:
        return latency(r, what);
    default:
        return WEIR_ERR_NONE;
    }
}

static int64_t request_number(struct request *r, int what)
{
    const struct client *c = r->client;
    switch (what) {
    case WEIR_REQUEST_PORT:
        return addr_port(&c->conn->local);
    case WEIR_REQUEST_IS_TLS:
        return c->tls;
    case WEIR_REQUEST_MINOR_VERSION:
        return r->head.minor;
    case WEIR_REQUEST_START_MS:
        return r->started_epoch;
    case WEIR_CLIENT_PORT:
        return addr_port(&c->conn->peer);
    case WEIR_CLIENT_FORWARDED_PORT:
        return forward_client(r).port;
    case WEIR_CLIENT_TRUSTED:
        return forward_client(r).trusted;
    case WEIR_REQUEST_PLAN:
        return r->plan->index;
    case WEIR_REQUEST_BYTES:
        return (int64_t)(c->h1.head_bytes + r->body_bytes);
    case WEIR_REQUEST_HAS_BODY:
        return r->head.framing != FRAMING_NONE;
    case WEIR_SERVICE_IS_TLS:
        return r->tls;
    case WEIR_CONNECTION:
        return (int64_t)c->conn->id;
    case WEIR_CONNECTION_REQUESTS:
        return c->requests;
    default:
        return response_number(r, what);
    }
}

static int64_t peer_number(const struct client *c, int what)
{
    return what == WEIR_CLIENT_PORT ? addr_port(&c->conn->peer) : WEIR_ERR_NONE;
}

int64_t weir_request_number(int what)
{
    if (turn.client)
        return peer_number(turn.client, what);
    struct request *r = api_request(API_ANY);
    return r ? request_number(r, what) : WEIR_ERR_PHASE;
}

// -- body -----------------------------------------------------------------------------------------

int api_body(struct request *r, struct str *out)
{
    *out = STR_NONE;
    if (!r->body_replaced) {
        const uint64_t limit = r->view->snapshot->settings.client_body_buffer_size;
        const struct head *h = &r->head;
        if (h->framing == FRAMING_NONE)
            return 1;
        if (!r->body_kept || r->body_refused ||
            (h->framing == FRAMING_LENGTH && h->content_length > limit))
            return api_refuse("request body did not fit into client body buffer, consider raising "
                              "'client_body_buffer_size'");
        if (!r->body_ended)
            return 0;
    }
    if (r->body.len > 0)
        *out = buf_text(&r->body, &r->arena);
    return 1;
}

int weir_request_body(struct weir_str *out)
{
    struct request *r = api_request(API_ANY);
    if (!r)
        return WEIR_ERR_PHASE;
    struct str body;
    int state = api_body(r, &body);
    api_give(out, body);
    return state;
}
