// libFuzzer target: conf/router and http/path. The bytes become routes and one request; what wins
// must be a route that matches, and the longest plain prefix must not be overlooked.

#include "conf/router.h"

#include "base/log.h"
#include "http/path.h"

#include <assert.h>

enum { MOST_ROUTES = 8, MOST_TEXTS = 3 };

struct input {
    const uint8_t *p, *end;
};

static unsigned byte(struct input *in)
{
    return in->p < in->end ? *in->p++ : 0;
}

static struct str text(struct input *in)
{
    size_t n = byte(in) % 16, left = (size_t)(in->end - in->p);
    struct str s = { (const char *)in->p, n < left ? n : left };
    in->p += s.n;
    return s;
}

struct texts {
    struct str items[MOST_TEXTS];
    unsigned count;
};

static void read_texts(struct input *in, struct texts *t)
{
    t->count = byte(in) % (MOST_TEXTS + 1);
    for (unsigned i = 0; i < t->count; i++)
        t->items[i] = text(in);
}

struct route {
    struct texts hosts, paths, methods, snis, values;
    struct route_header header;
};

static void read_route(struct input *in, struct route *r, struct route_desc *d, uint32_t plan)
{
    read_texts(in, &r->hosts);
    read_texts(in, &r->paths);
    read_texts(in, &r->methods);
    read_texts(in, &r->snis);
    read_texts(in, &r->values);
    r->header = (struct route_header){ text(in), r->values.items, r->values.count };
    *d = (struct route_desc){
        .plan = plan, .id = text(in), .regex_priority = byte(in),
        .hosts = r->hosts.items, .host_count = r->hosts.count,
        .paths = r->paths.items, .path_count = r->paths.count,
        .methods = r->methods.items, .method_count = r->methods.count,
        .snis = r->snis.items, .sni_count = r->snis.count,
        .headers = &r->header, .header_count = r->values.count > 0,
    };
}

// The longest prefix among the routes that ask for nothing but prefixes; none: SIZE_MAX.
static size_t longest_prefix(const struct route_desc *d, unsigned count, struct str path)
{
    size_t longest = SIZE_MAX;
    for (unsigned i = 0; i < count; i++) {
        if (d[i].host_count + d[i].method_count + d[i].sni_count + d[i].header_count > 0)
            continue;
        for (unsigned k = 0; k < d[i].path_count; k++) {
            struct str p = d[i].paths[k];
            if ((p.n == 0 || p.p[0] != '~') && str_starts(path, p)
                && (longest == SIZE_MAX || p.n > longest))
                longest = p.n;
        }
    }
    return longest;
}

// Whether a path of the route has to do with what was matched.
static bool explains(const struct route_desc *d, const struct route_match *m, struct str path)
{
    for (unsigned k = 0; k < d->path_count; k++) {
        struct str p = d->paths[k];
        if (p.n > 0 && p.p[0] == '~')
            return true;
        if (p.n == m->prefix_len && str_starts(path, p))
            return true;
    }
    return d->path_count == 0 && m->prefix_len == 0;
}

static void check(const struct router *r, const struct route_desc *d, unsigned count,
                  const struct route_query *q)
{
    struct route_match m;
    size_t prefix = longest_prefix(d, count, q->path);
    if (!router_match(r, q, &m)) {
        assert(prefix == SIZE_MAX);
        return;
    }
    assert(m.plan < count && m.prefix_len <= q->path.n);
    assert(explains(&d[m.plan], &m, q->path));
    for (unsigned i = 0; i < 2 * m.captures; i++)
        assert(m.capture[i] >= -1 && m.capture[i] <= (int)q->path.n);
}

static void check_path(struct arena *arena, struct str path)
{
    struct str normal, again;
    if (path_normalise(arena, path, &normal) != NULL)
        return;
    assert(normal.n > 0 && normal.p[0] == '/');
    assert(path_normalise(arena, normal, &again) == NULL && str_eq(normal, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, data + size };
    struct route routes[MOST_ROUTES];
    struct route_desc descs[MOST_ROUTES];
    struct arena arena;
    struct router *r;
    char why[256];
    log_set_level(LOG_EMERG);
    arena_init(&arena, NULL);
    unsigned count = byte(&in) % (MOST_ROUTES + 1);
    for (unsigned i = 0; i < count; i++)
        read_route(&in, &routes[i], &descs[i], i);
    struct head head;
    head_init(&head, &arena);
    head_add(&head, text(&in), text(&in));
    head.method = text(&in);
    head.method_id = method_id(head.method);
    struct route_query q = { .head = &head, .host = text(&in), .port = (uint16_t)byte(&in),
                             .sni = text(&in), .tls = byte(&in) & 1 };
    q.path = (struct str){ (const char *)in.p, (size_t)(in.end - in.p) };
    check_path(&arena, q.path);
    if (router_build(&arena, descs, count, &r, why) == NULL) {
        check(r, descs, count, &q);
        router_done(r);
    }
    arena_done(&arena);
    return 0;
}
