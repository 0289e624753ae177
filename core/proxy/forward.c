// forward.c - the request as the upstream sees it.

#include "proxy/forward.h"

#include "base/version.h"
#include "proxy/client.h"

// -- who the client is ----------------------------------------------------------------------------

// Goes through a list from its end, where the nearest proxy wrote, to the first address that is not
// a trusted proxy's; with real_ip_recursive off the last one is it. *found is how far it came;
// true: no need to look further.
static bool last_untrusted(const struct settings *s, struct str list, struct str *found)
{
    while (list.n > 0) {
        size_t comma = list.n;
        while (comma > 0 && list.p[comma - 1] != ',')
            comma--;
        struct str ip = str_trim(str_sub(list, comma, list.n));
        struct addr a;
        if (addr_parse(ip, 0, &a) != NULL)
            return true;
        *found = ip;
        if (!s->real_ip_recursive || !settings_trusts(s, &a))
            return true;
        list.n = comma > 0 ? comma - 1 : 0;
    }
    return false;
}

// All lines of the field are one list: a proxy may append a line of its own after what the client
// made up.
static struct str named_client(const struct settings *s, const struct head *h)
{
    struct str found = STR_NONE;
    for (unsigned i = h->count; i-- > 0;) {
        const struct header *f = &h->headers[i];
        if (!f->removed && str_eq_nocase(f->name, s->real_ip_header) &&
            last_untrusted(s, f->value, &found))
            break;
    }
    return found;
}

struct forwarded forward_client(struct request *r)
{
    const struct settings *s = &r->view->snapshot->settings;
    const struct client *c = r->client;
    struct forwarded f = { { c->ip, c->ip_len }, addr_port(&c->conn->peer), false };
    if (s->trusted_count == 0 || !settings_trusts(s, &c->conn->peer))
        return f;
    f.trusted = true;
    struct str ip = named_client(s, &r->head);
    if (ip.n > 0) {
        f.ip = ip;
        f.port = 0;
    }
    return f;
}

// -- path -----------------------------------------------------------------------------------------

static struct str concat(struct arena *a, struct str x, struct str y)
{
    char *p = arena_alloc(a, x.n + y.n);
    if (x.n > 0)
        memcpy(p, x.p, x.n);
    if (y.n > 0)
        memcpy(p + x.n, y.p, y.n);
    return (struct str){ p, x.n + y.n };
}

static bool ends_in_slash(struct str s)
{
    return s.n > 0 && s.p[s.n - 1] == '/';
}

// Joins the service's path and what is left of the request's with exactly one slash between them.
static struct str join(struct arena *a, struct str base, struct str rest)
{
    if (rest.n == 0 || (base.n == 1 && rest.p[0] == '/'))
        return rest.n == 0 ? base : rest;
    if (ends_in_slash(base))
        base.n--;
    if (rest.p[0] != '/')
        base = concat(a, base, STR("/"));
    return concat(a, base, rest);
}

// Whether a segment begins with a dot, escaped or not.
static bool has_dot_segment(struct str path)
{
    for (size_t slash = 0; slash < path.n; slash = str_find(path, '/', slash + 1)) {
        struct str segment = str_sub(path, slash + 1, path.n);
        if (str_starts(segment, STR(".")) || str_starts(segment, STR("%2e")) ||
            str_starts(segment, STR("%2E")))
            return true;
    }
    return false;
}

// The path as the client wrote it, but without dot segments: joined to the service's path these
// could lead out of it, to where the router did not look.
static struct str safe_path(const struct request *r)
{
    return has_dot_segment(r->head.path) ? r->path : r->head.path;
}

// The path without what the route matched, as the client wrote it where that begins with the match;
// else in the normal form, which does.
static struct str stripped(const struct request *r)
{
    struct str matched = str_sub(r->path, 0, r->match.prefix_len), path = safe_path(r);
    if (!str_starts(path, matched))
        path = r->path;
    return str_sub(path, matched.n, path.n);
}

static struct str upstream_path(struct request *r)
{
    struct str base = r->plan->service_path.n ? r->plan->service_path : STR("/");
    struct str path = safe_path(r);
    if (r->plan->strip_path && r->match.prefix_len > 0) {
        struct str rest = stripped(r);
        if (rest.n > 0)
            return join(&r->arena, base, rest);
        if (base.n == 1)
            return base;
        // Nothing is left: the service's path ends in a slash if and only if the request's did.
        bool slash = path.n > 1 && ends_in_slash(path);
        if (slash == ends_in_slash(base))
            return base;
        return slash ? concat(&r->arena, base, STR("/")) : str_sub(base, 0, base.n - 1);
    }
    if (path.n == 1)
        return base;
    return join(&r->arena, base, path);
}

struct str forward_path(struct request *r)
{
    return r->out_path.p ? r->out_path : upstream_path(r);
}

struct str forward_target(struct request *r)
{
    struct str path = forward_path(r);
    struct str query = r->out_query.p ? r->out_query : r->head.query;
    bool has_query = r->out_query.p ? query.n > 0 : r->head.has_query;
    if (!has_query)
        return path;
    return concat(&r->arena, concat(&r->arena, path, STR("?")), query);
}

// -- host -----------------------------------------------------------------------------------------

struct str forward_host(struct request *r, struct str target_host, uint16_t target_port)
{
    if (r->out_host.p)
        return r->out_host;
    if (r->plan->preserve_host && r->target_host.p == NULL)
        return r->head.authority;
    struct str name = target_host;
    if (r->upstream >= 0 && r->view->snapshot->upstreams[r->upstream].host_header.n > 0)
        name = r->view->snapshot->upstreams[r->upstream].host_header;
    bool bare_v6 =
        name.n > 0 && name.p[0] != '[' && str_find(name, ':', str_find(name, ':', 0) + 1) < name.n;
    if (bare_v6)
        name = concat(&r->arena, concat(&r->arena, STR("["), name), STR("]"));
    if (target_port == (r->tls ? 443 : 80))
        return name;
    char port[STR_DECIMAL];
    return concat(&r->arena, concat(&r->arena, name, STR(":")), str_decimal(target_port, port));
}

// -- headers --------------------------------------------------------------------------------------

static struct str header_or_empty(const struct head *h, enum header_id id)
{
    const struct header *f = head_get(h, id);
    return f ? f->value : STR_NONE;
}

// All fields of a list header as one value, the client's first, ours after it (X-Forwarded-For,
// Via).
static void append_to_list(struct head *out, struct arena *a, enum header_id id, struct str ours)
{
    struct str all = STR_NONE;
    for (unsigned i = 0; i < out->count; i++) {
        const struct header *f = &out->headers[i];
        if (f->id != id || f->removed || f->value.n == 0)
            continue;
        if (all.n > 0)
            all = concat(a, all, STR(", "));
        all = concat(a, all, f->value);
    }
    if (all.n > 0)
        all = concat(a, concat(a, all, STR(", ")), ours);
    head_set_id(out, id, all.n > 0 ? all : ours);
}

static void set_unless_trusted(struct head *out, const struct forwarded *f, enum header_id id,
                               struct str value)
{
    if (!f->trusted || header_or_empty(out, id).n == 0)
        head_set_id(out, id, value);
}

static void add_forwarding(struct request *r, struct head *out)
{
    struct arena *a = &r->arena;
    const struct settings *s = &r->view->snapshot->settings;
    struct forwarded f = forward_client(r);
    head_set_id(out, HEADER_X_REAL_IP, f.ip);
    append_to_list(out, a, HEADER_X_FORWARDED_FOR, (struct str){r->client->ip, r->client->ip_len});
    set_unless_trusted(out, &f, HEADER_X_FORWARDED_PROTO,
                       r->client->tls ? STR("https") : STR("http"));
    set_unless_trusted(out, &f, HEADER_X_FORWARDED_HOST, r->host);
    char port[STR_DECIMAL];
    set_unless_trusted(out, &f, HEADER_X_FORWARDED_PORT,
                       arena_dup(a, str_decimal(addr_port(&r->client->conn->local), port)));
    set_unless_trusted(out, &f, HEADER_X_FORWARDED_PATH, r->head.path);
    struct str prefix = str_sub(r->path, 0, r->match.prefix_len);
    if (prefix.n > 1)
        set_unless_trusted(out, &f, HEADER_X_FORWARDED_PREFIX, prefix);
    else if (!f.trusted)
        head_remove_id(out, HEADER_X_FORWARDED_PREFIX);
    append_to_list(out, a, HEADER_VIA,
                   r->head.minor == 0 ? STR("1.0 " WEIR_NAME) : STR("1.1 " WEIR_NAME));
    if (s->header_upstream_request_id)
        head_set_id(out, HEADER_X_KONG_REQUEST_ID, (struct str){ r->id, 32 });
}

enum method forward_method(const struct request *r)
{
    return r->out_method.p ? method_id(r->out_method) : r->head.method_id;
}

// A body that a plugin gave or that is known by now has a length; the client's keeps its framing.
static void set_framing(const struct request *r, struct head *out)
{
    if (!r->body_replaced)
        return;
    out->content_length = r->body.len;
    out->framing =
        r->body.len > 0 || r->head.framing != FRAMING_NONE ? FRAMING_LENGTH : FRAMING_NONE;
}

struct str forward_head(struct request *r, struct str host, bool *chunked)
{
    struct head out;
    struct arena *a = &r->arena;
    // The request's own fields stay as they are, for a retry and for the log.
    head_copy(&out, &r->head, 16);
    bool trailers = head_has_token(&out, HEADER_TE, STR("trailers"));
    head_remove_hop_by_hop(&out);
    head_remove_id(&out, HEADER_EXPECT);
    if (trailers)
        head_add_id(&out, HEADER_TE, STR("trailers"));
    head_set_id(&out, HEADER_HOST, host);
    add_forwarding(r, &out);
    set_framing(r, &out);
    if (r->out_method.p)
        out.method = r->out_method;
    out.method_id = forward_method(r);
    out.target = forward_target(r);
    *chunked = out.framing == FRAMING_CHUNKED;
    bool keep = r->proxy->realms.pool_size > 0;
    return head_write_request(&out, a, keep ? STR("keep-alive") : STR("close"));
}
