// api_header.c - reading and changing header fields of the current request.

#include "proxy/request.h"
#include "vm/api.h"

#include "tls/verify.h"

// The fields of the request are one list, which plugins change and the upstream gets: Kong's
// kong.request shows what kong.service.request set, too.
static struct head *head_of(struct request *r, int where)
{
    switch (where) {
    case WEIR_HEADERS_REQUEST:
    case WEIR_HEADERS_UPSTREAM:
        return &r->head;
    case WEIR_HEADERS_SERVICE:
        return &r->service;
    case WEIR_HEADERS_RESPONSE:
        return &r->response;
    default:
        return NULL;
    }
}

// -- reading --------------------------------------------------------------------------------------

static char folded(char c)
{
    return c == '_' ? '-' : str_lower_char(c);
}

static bool same_folded(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (folded(a.p[i]) != folded(b.p[i]))
            return false;
    return true;
}

// nginx, and with it Kong, takes "-" and "_" in a name for the same when it looks a field up.
static const struct header *find(const struct head *h, struct str name)
{
    const struct header *f = head_find(h, name);
    if (f || (str_find(name, '-', 0) == name.n && str_find(name, '_', 0) == name.n))
        return f;
    for (unsigned i = 0; i < h->count; i++)
        if (!h->headers[i].removed && same_folded(h->headers[i].name, name))
            return &h->headers[i];
    return NULL;
}

int weir_header_get(int where, const char *name, size_t n, struct weir_str *out)
{
    struct request *r = api_request(API_ANY);
    if (!r)
        return WEIR_ERR_PHASE;
    const struct head *h = head_of(r, where);
    if (!h)
        return api_refuse("no such headers");
    const struct header *f = find(h, api_str(name, n));
    if (!f)
        return WEIR_ERR_NONE;
    api_give(out, f->value);
    return 0;
}

int weir_headers(int where, struct weir_header *out, int max)
{
    struct request *r = api_request(API_ANY);
    if (!r)
        return WEIR_ERR_PHASE;
    const struct head *h = head_of(r, where);
    if (!h)
        return api_refuse("no such headers");
    int count = 0;
    for (unsigned i = 0; i < h->count; i++) {
        const struct header *f = &h->headers[i];
        if (f->removed)
            continue;
        if (count < max) {
            api_give(&out[count].name, f->name);
            api_give(&out[count].value, f->value);
        }
        count++;
    }
    return count;
}

// -- changing -------------------------------------------------------------------------------------

// The head that may be changed now, and the request it is of; NULL when the time for it is over or
// has not come.
static struct head *changeable(int where, struct request **r)
{
    if (where == WEIR_HEADERS_RESPONSE) {
        *r = api_request(API_HEAD);
        return *r && !(*r)->head_sent ? &(*r)->response : NULL;
    }
    if (where != WEIR_HEADERS_REQUEST && where != WEIR_HEADERS_UPSTREAM)
        return NULL;
    *r = api_request(API_UNSENT);
    return *r ? &(*r)->head : NULL;
}

// How a body is delimited is the core's to say: a plugin's word on it is dropped, as Kong does with
// Transfer-Encoding.
static bool is_framing(enum header_id id)
{
    return (header_facts(id) & HEADER_FACT_FRAME) != 0;
}

// The Host field is also the name that is sent as SNI and looked for in the certificate.
static int set_host(struct request *r, struct str host)
{
    struct peer_name parsed;
    if (peer_name_parse(host, &parsed) != NULL)
        return api_refuse("not a host name");
    r->out_host = host;
    return 0;
}

static int change(int where, struct str name, struct str value,
                  void (*how)(struct head *, enum header_id, struct str, struct str))
{
    struct request *r;
    struct head *h = changeable(where, &r);
    if (!h)
        return WEIR_ERR_PHASE;
    if (!header_valid(name, value))
        return api_refuse("not a header name, or a value with control characters");
    const enum header_id id = header_id(name);
    if (is_framing(id))
        return 0;
    value = arena_dup(&r->arena, value);
    if (h == &r->head && id == HEADER_HOST) {
        int refused = set_host(r, value);
        if (refused)
            return refused;
        how = head_replace; // there is never a second one
    }
    how(h, id, arena_dup(&r->arena, name), value);
    return 0;
}

int weir_header_set(int where, const char *name, size_t n, const char *value, size_t vn)
{
    return change(where, api_str(name, n), api_str(value, vn), head_replace);
}

int weir_header_add(int where, const char *name, size_t n, const char *value, size_t vn)
{
    return change(where, api_str(name, n), api_str(value, vn), head_append);
}

int weir_header_remove(int where, const char *name, size_t n)
{
    struct request *r;
    struct head *h = changeable(where, &r);
    if (!h)
        return WEIR_ERR_PHASE;
    struct str field = api_str(name, n);
    if (h == &r->response && header_id(field) == HEADER_CONTENT_LENGTH &&
        h->framing == FRAMING_LENGTH && r->source == SOURCE_SERVICE)
        h->framing = FRAMING_CHUNKED; // the plugin is going to change the body
    else if (h == &r->head && header_id(field) == HEADER_HOST)
        r->out_host = STR_NONE; // a request without one does not exist
    else
        head_remove(h, field);
    return 0;
}
