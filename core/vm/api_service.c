// api_service.c - what goes upstream, as plugins change it: method, path, body, target, timeouts.

#include "proxy/request.h"
#include "vm/api.h"

#include "tls/verify.h"

enum { TIMEOUT_MAX = 2147483646, RETRIES_MAX = 32767 };

int weir_service_set_method(const char *p, size_t n)
{
    struct request *r = api_request(API_UNSENT);
    if (!r)
        return WEIR_ERR_PHASE;
    if (!header_valid(api_str(p, n), STR("")))
        return api_refuse("not a method");
    r->out_method = arena_dup(&r->arena, api_str(p, n));
    return 0;
}

// Whether it can stand in a request line as it is: visible ASCII without what would end the part.
static bool fits_target(struct str s, const char *without)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr(without, s.p[i]))
            return false;
    return true;
}

int weir_service_set_path(const char *p, size_t n)
{
    struct request *r = api_request(API_UNSENT);
    if (!r)
        return WEIR_ERR_PHASE;
    struct str path = api_str(p, n);
    if (n == 0 || p[0] != '/' || !fits_target(path, "?#"))
        return api_refuse("a path begins with / and has no unescaped characters");
    r->out_path = arena_dup(&r->arena, path);
    return 0;
}

int weir_service_set_query(const char *p, size_t n)
{
    struct request *r = api_request(API_UNSENT);
    if (!r)
        return WEIR_ERR_PHASE;
    if (!fits_target(api_str(p, n), "#"))
        return api_refuse("a query has no unescaped characters");
    r->out_query = arena_dup(&r->arena, api_str(p, n));
    return 0;
}

int weir_service_hold(void)
{
    struct request *r = api_request(API_UNSENT);
    if (!r)
        return WEIR_ERR_PHASE;
    r->hold_asked = true;
    return 0;
}

int weir_service_held(struct weir_str *out)
{
    struct request *r = api_request(API_ANSWERED);
    if (!r)
        return WEIR_ERR_PHASE;
    if (!r->held_text.p)
        return WEIR_ERR_NONE;
    api_give(out, r->held_text);
    return 0;
}

int weir_service_set_body(const char *p, size_t n)
{
    struct request *r = api_request(API_UNSENT);
    if (!r)
        return WEIR_ERR_PHASE;
    buf_clear(&r->body);
    buf_append(&r->body, p, n);
    r->body_replaced = r->body_kept = true;
    return 0;
}

int weir_service_set_target(const char *host, size_t n, uint16_t port)
{
    struct request *r = api_request(API_TARGET);
    if (!r)
        return WEIR_ERR_PHASE;
    struct peer_name parsed;
    if (peer_name_parse(api_str(host, n), &parsed) != NULL)
        return api_refuse("not a host name");
    r->target_host = arena_dup(&r->arena, api_str(host, n));
    r->target_port = port;
    r->upstream = -2;
    return 0;
}

int weir_service_set_upstream(const char *name, size_t n)
{
    struct request *r = api_request(API_ACCESS);
    if (!r)
        return WEIR_ERR_PHASE;
    int32_t index = snapshot_find_upstream(r->view->snapshot, api_str(name, n));
    if (index < 0)
        return WEIR_ERR_NONE;
    r->upstream = index;
    r->target_host = STR_NONE;
    return 0;
}

static bool is_timeout(uint32_t ms)
{
    return ms >= 1 && ms <= TIMEOUT_MAX;
}

int weir_service_set_timeouts(uint32_t connect_ms, uint32_t write_ms, uint32_t read_ms)
{
    struct request *r = api_request(API_ACCESS);
    if (!r)
        return WEIR_ERR_PHASE;
    if (!is_timeout(connect_ms) || !is_timeout(write_ms) || !is_timeout(read_ms))
        return api_refuse("a timeout is between 1 and %d ms", TIMEOUT_MAX);
    r->connect_timeout = connect_ms;
    r->write_timeout = write_ms;
    r->read_timeout = read_ms;
    return 0;
}

int weir_service_set_retries(uint32_t n)
{
    struct request *r = api_request(API_ACCESS);
    if (!r)
        return WEIR_ERR_PHASE;
    if (n > RETRIES_MAX)
        return api_refuse("at most %d retries", RETRIES_MAX);
    r->tries_left = n;
    return 0;
}

int weir_service_ask_before_retry(void)
{
    struct request *r = api_request(API_ACCESS);
    if (!r)
        return WEIR_ERR_PHASE;
    r->retry_asks = true;
    return 0;
}
