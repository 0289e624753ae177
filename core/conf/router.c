// Kong's order of routes on a host table and radix trees.
//
// A route with paths of several lengths competes once for each of them, with a priority of its own:
// a *contender*. They are sorted at build time; a contender's place is its rank, 0 wins. Matching
// is a search for the lowest rank:
//
//   host --exact, "*.suffix", "prefix.*", any--> groups
//   group --radix tree over the path--> buckets --> candidates, by rank      (prefixes)
//         '--> patterns, by rank                                             (regular expressions)
//
// Each step stops where all that follows has a higher rank than what is already found, so a regular
// expression is run only if it would win.

#include "conf/router.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/table.h"
#include "conf/predicate.h"
#include "conf/radix.h"
#include "conf/regex.h"

#include <stdio.h>
#include <stdlib.h>

_Static_assert(ARRAY_LEN(((struct route_match *)0)->capture) == 2 * REGEX_MAX_GROUPS,
               "a match holds the offsets of all groups");

struct contender {
    uint32_t plan;
    const struct predicate *predicate;  // NULL: none
    struct str id;
};

struct candidate {
    uint32_t rank;
    uint16_t port;          // 0: any
};

// The candidates of one path prefix.
struct bucket {
    uint32_t from, count;
    uint32_t prefix_len;
};

struct pattern {
    uint32_t rank;
    uint16_t port;
    const struct regex *regex;
};

// The routes of one host pattern.
struct group {
    struct str host;
    struct radix paths;     // path prefix -> bucket
    const struct pattern *patterns;
    uint32_t pattern_count;
    uint32_t best;          // lowest rank in it
};

enum host_kind { HOST_ANY, HOST_EXACT, HOST_SUFFIX, HOST_PREFIX, HOST_KINDS };

struct router {
    const struct contender *contenders;
    const struct candidate *candidates;
    const struct bucket *buckets;
    const struct group *groups;
    const struct group *any;            // NULL: every route names a host
    struct table exact;                 // host -> group
    struct radix suffixes, prefixes;    // reversed host, host -> group
    struct regex_set regexes;
};

enum { LONGEST_NAME = 255 };    // no DNS name is longer, so no wildcard matches

// --- Matching ---

struct search {
    const struct router *r;
    const struct route_query *q;
    struct route_match *m;
    uint32_t best;          // the lowest rank found
};

static bool fits(const struct search *s, uint32_t rank, uint16_t port)
{
    const struct predicate *p = s->r->contenders[rank].predicate;
    return (port == 0 || port == s->q->port) && (!p || predicate_holds(p, s->q));
}

static void found(struct search *s, uint32_t rank, size_t prefix_len)
{
    s->best = rank;
    s->m->prefix_len = prefix_len;
    s->m->captures = 0;
    s->m->regex = NULL;
}

static void search_bucket(struct search *s, const struct bucket *b)
{
    const struct candidate *c = s->r->candidates + b->from, *end = c + b->count;
    for (; c < end && c->rank < s->best; c++)
        if (fits(s, c->rank, c->port))
            found(s, c->rank, b->prefix_len);
}

static void search_patterns(struct search *s, const struct group *g)
{
    const struct pattern *p = g->patterns, *end = p + g->pattern_count;
    for (; p < end && p->rank < s->best; p++) {
        int capture[2 * REGEX_MAX_GROUPS];
        unsigned groups;
        if (!fits(s, p->rank, p->port))
            continue;
        int n = regex_match(p->regex, s->q->path, capture, &groups);
        if (n == REGEX_GAVE_UP) {
            struct str id = s->r->contenders[p->rank].id;
            log_write(LOG_ERR, 0,
                      "a regular expression of route %.*s backtracks too much: no match",
                      STR_ARG(id));
        }
        if (n < 0)
            continue;
        found(s, p->rank, (size_t)n);
        s->m->regex = p->regex;
        s->m->captures = groups;
        memcpy(s->m->capture, capture, 2 * groups * sizeof *capture);
    }
}

static void search_group(struct search *s, const struct group *g)
{
    struct radix_walk walk;
    if (g->best >= s->best)
        return;
    radix_start(&walk, &g->paths, s->q->path);
    for (uint32_t b; (b = radix_next(&walk)) != RADIX_NONE;)
        search_bucket(s, &s->r->buckets[b]);
    search_patterns(s, g);
}

static void search_tree(struct search *s, const struct radix *hosts, struct str host)
{
    struct radix_walk walk;
    radix_start(&walk, hosts, host);
    for (uint32_t g; (g = radix_next(&walk)) != RADIX_NONE;)
        search_group(s, &s->r->groups[g]);
}

static void search_wildcards(struct search *s)
{
    const struct router *r = s->r;
    struct str host = s->q->host;
    char reversed[LONGEST_NAME];
    if (host.n > LONGEST_NAME)
        return;
    if (r->suffixes.nodes) {
        for (size_t i = 0; i < host.n; i++)
            reversed[i] = host.p[host.n - 1 - i];
        search_tree(s, &r->suffixes, (struct str){ reversed, host.n });
    }
    search_tree(s, &r->prefixes, host);
}

static bool group_is(const void *value, const void *host)
{
    return str_eq(((const struct group *)value)->host, *(const struct str *)host);
}

bool router_match(const struct router *r, const struct route_query *q, struct route_match *m)
{
    struct search s = { r, q, m, UINT32_MAX };
    if (r->exact.count > 0) {
        const struct group *g =
            table_get(&r->exact, table_hash(q->host.p, q->host.n), group_is, &q->host);
        if (g)
            search_group(&s, g);
    }
    search_wildcards(&s);
    if (r->any)
        search_group(&s, r->any);
    if (s.best == UINT32_MAX)
        return false;
    m->plan = r->contenders[s.best].plan;
    return true;
}

// --- Building: contenders ---

static bool is_regex(struct str path)
{
    return path.n > 0 && path.p[0] == '~';
}

// Paths of a route that compete together: all regular expressions, or all prefixes of one length.
static bool same_class(struct str a, struct str b)
{
    return is_regex(a) == is_regex(b) && (is_regex(a) || a.n == b.n);
}

static bool is_first_of_class(const struct route_desc *route, unsigned path)
{
    for (unsigned i = 0; i < path; i++)
        if (same_class(route->paths[i], route->paths[path]))
            return false;
    return true;
}

static bool hosts_plain(const struct route_desc *route)
{
    for (unsigned i = 0; i < route->host_count; i++)
        if (str_find(route->hosts[i], '*', 0) < route->hosts[i].n)
            return false;
    return route->host_count > 0;
}

// Kong's 64 bits, from the top: 3 kinds of matchers, 1 only plain hosts, 8 header names, 1 regular
// expression, 32 its priority, 19 length of the prefix.
static uint64_t priority(const struct route_desc *route, struct str path)
{
    enum { MAX_HEADERS = 255, MAX_LENGTH = 0x7FFFF };
    unsigned headers = predicate_header_names(route);
    uint64_t kinds = (uint64_t)(route->method_count > 0) + (route->host_count > 0) + (headers > 0)
                   + (route->sni_count > 0) + (route->path_count > 0);
    uint64_t p = kinds << 61 | (uint64_t)hosts_plain(route) << 60
               | (uint64_t)(headers < MAX_HEADERS ? headers : MAX_HEADERS) << 52;
    if (!is_regex(path))
        return p | (path.n & MAX_LENGTH);
    int64_t own = route->regex_priority;
    uint64_t bounded = own < 0 ? 0 : own > UINT32_MAX ? UINT32_MAX : (uint64_t)own;
    return p | (uint64_t)1 << 51 | bounded << 19;
}

struct draft {
    uint64_t priority;
    const struct route_desc *route;
    struct str path;        // stands for its class; empty when the route has no paths
};

// Bigger priority first, then the larger id. What is left is the order of the file.
static int compare_drafts(const void *a, const void *b)
{
    const struct draft *x = a, *y = b;
    if (x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    int ids = radix_compare(y->route->id, x->route->id);
    return ids != 0 ? ids : (x->route > y->route) - (x->route < y->route);
}

struct build {
    struct router *r;
    struct arena *arena;
    struct draft *drafts;       // by rank once they are sorted
    uint32_t draft_count;
    struct entry *entries;
    size_t entry_count;
    struct group *groups;
    uint32_t group_count;
    char *why;
};

static void add_draft(struct build *b, const struct route_desc *route, struct str path)
{
    b->drafts[b->draft_count++] = (struct draft){ priority(route, path), route, path };
}

static void draft_contenders(struct build *b, const struct route_desc *routes, unsigned count)
{
    size_t most = 0;
    for (unsigned i = 0; i < count; i++)
        most += routes[i].path_count > 0 ? routes[i].path_count : 1;
    b->drafts = xmalloc(most * sizeof *b->drafts);
    for (unsigned i = 0; i < count; i++) {
        if (routes[i].path_count == 0)
            add_draft(b, &routes[i], STR_NONE);
        for (unsigned p = 0; p < routes[i].path_count; p++)
            if (is_first_of_class(&routes[i], p))
                add_draft(b, &routes[i], routes[i].paths[p]);
    }
    qsort(b->drafts, b->draft_count, sizeof *b->drafts, compare_drafts);
}

static bool build_contenders(struct build *b)
{
    char text[REGEX_WHY];
    struct contender *all = arena_alloc(b->arena, b->draft_count * sizeof *all);
    for (uint32_t rank = 0; rank < b->draft_count; rank++) {
        const struct route_desc *route = b->drafts[rank].route;
        struct contender *c = &all[rank];
        *c = (struct contender){ .plan = route->plan, .id = arena_dup(b->arena, route->id) };
        if (!predicate_build(b->arena, &b->r->regexes, route, &c->predicate, text)) {
            snprintf(b->why, REGEX_WHY, "route %.*s: %.200s", STR_ARG(route->id), text);
            return false;
        }
    }
    b->r->contenders = all;
    return true;
}

// --- Building: entries, one for each contender, host and path ---

struct host {
    enum host_kind kind;
    struct str key;         // lower case; what is left without the asterisk, reversed for suffixes
    uint16_t port;
};

struct entry {
    struct host host;
    uint32_t rank;
    uint32_t order;         // of the path in its route
    struct str path;
    const struct regex *regex;
};

// Splits ":port" off, if the text ends in one; an address in brackets keeps its colons.
static uint16_t split_port(struct str *host)
{
    size_t at = host->n;
    unsigned port = 0, unit = 1;
    while (at > 0 && host->p[at - 1] >= '0' && host->p[at - 1] <= '9' && unit <= 100000) {
        port += (unsigned)(host->p[--at] - '0') * unit;
        unit *= 10;
    }
    if (at == 0 || at == host->n || host->p[at - 1] != ':' || port > UINT16_MAX)
        return 0;
    host->n = at - 1;
    return (uint16_t)port;
}

static struct host parse_host(struct arena *arena, struct str text)
{
    uint16_t port = split_port(&text);
    enum host_kind kind = HOST_EXACT;
    if (text.n > 1 && text.p[text.n - 1] == '.')
        text.n--;
    if (text.n > 0 && text.p[0] == '*') {
        kind = HOST_SUFFIX;
        text = str_sub(text, 1, text.n);
    } else if (text.n > 0 && text.p[text.n - 1] == '*') {
        kind = HOST_PREFIX;
        text.n--;
    }
    char *key = arena_alloc(arena, text.n);
    for (size_t i = 0; i < text.n; i++)
        key[kind == HOST_SUFFIX ? text.n - 1 - i : i] = str_lower_char(text.p[i]);
    return (struct host){ kind, { key, text.n }, port };
}

static int compare_hosts(const struct host *x, const struct host *y)
{
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return radix_compare(x->key, y->key);
}

// By host; within it the prefixes by path, then the patterns; within those by rank.
static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = compare_hosts(&x->host, &y->host);
    if (order != 0)
        return order;
    if (!x->regex != !y->regex)
        return x->regex ? 1 : -1;
    if (!x->regex && (order = radix_compare(x->path, y->path)) != 0)
        return order;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static bool compile(struct build *b, const struct route_desc *route, struct entry *e)
{
    char text[REGEX_WHY];
    if (!is_regex(e->path))
        return true;
    e->regex = regex_compile(&b->r->regexes, str_sub(e->path, 1, e->path.n), REGEX_ANCHORED, text);
    if (!e->regex)
        snprintf(b->why, REGEX_WHY, "route %.*s: path \"%.100s\": %.100s", STR_ARG(route->id),
                 e->path.p, text);
    return e->regex != NULL;
}

static void add_entries(struct build *b, const struct route_desc *route, struct entry e)
{
    if (route->host_count == 0)
        b->entries[b->entry_count++] = e;
    for (unsigned h = 0; h < route->host_count; h++) {
        e.host = parse_host(b->arena, route->hosts[h]);
        b->entries[b->entry_count++] = e;
    }
}

static bool add_contender_entries(struct build *b, uint32_t rank)
{
    const struct draft *d = &b->drafts[rank];
    struct entry e = { .rank = rank };
    if (d->route->path_count == 0)
        add_entries(b, d->route, e);
    for (unsigned i = 0; i < d->route->path_count; i++) {
        if (!same_class(d->path, d->route->paths[i]))
            continue;
        e.order = i;
        e.path = arena_dup(b->arena, d->route->paths[i]);
        if (!compile(b, d->route, &e))
            return false;
        add_entries(b, d->route, e);
    }
    return true;
}

static bool build_entries(struct build *b, const struct route_desc *routes, unsigned count)
{
    size_t most = 0;
    for (unsigned i = 0; i < count; i++)
        most += (size_t)(routes[i].path_count > 0 ? routes[i].path_count : 1)
              * (routes[i].host_count > 0 ? routes[i].host_count : 1);
    b->entries = xmalloc(most * sizeof *b->entries);
    for (uint32_t rank = 0; rank < b->draft_count; rank++)
        if (!add_contender_entries(b, rank))
            return false;
    qsort(b->entries, b->entry_count, sizeof *b->entries, compare_entries);
    return true;
}

// --- Building: groups ---

static size_t run_of_host(const struct build *b, size_t from)
{
    size_t to = from + 1;
    while (to < b->entry_count
           && compare_hosts(&b->entries[from].host, &b->entries[to].host) == 0)
        to++;
    return to;
}

// Entries and candidates, buckets and radix keys have places at the same indices; the arrays are as
// long as the entries.
struct arrays {
    struct candidate *candidates;
    struct bucket *buckets;
    struct pattern *patterns;
    struct radix_key *keys;
    uint32_t bucket_count;
};

// The prefixes of entries [from, to): a bucket for each different path.
static void build_prefixes(struct build *b, struct arrays *a, struct group *g, size_t from,
                           size_t to)
{
    uint32_t first = a->bucket_count;
    for (size_t i = from; i < to; i++) {
        const struct entry *e = &b->entries[i];
        a->candidates[i] = (struct candidate){ e->rank, e->host.port };
        if (i == from || !str_eq(e->path, b->entries[i - 1].path)) {
            a->keys[a->bucket_count] = (struct radix_key){ e->path, a->bucket_count };
            a->buckets[a->bucket_count++] =
                (struct bucket){ (uint32_t)i, 0, (uint32_t)e->path.n };
        }
        a->buckets[a->bucket_count - 1].count++;
    }
    if (from < to)
        radix_build(&g->paths, b->arena, a->keys + first, a->bucket_count - first);
}

static void build_group(struct build *b, struct arrays *a, size_t from, size_t to)
{
    struct group *g = &b->groups[b->group_count++];
    size_t patterns = from;
    while (patterns < to && !b->entries[patterns].regex)
        patterns++;
    *g = (struct group){ .host = b->entries[from].host.key, .best = UINT32_MAX };
    build_prefixes(b, a, g, from, patterns);
    g->patterns = a->patterns + patterns;
    g->pattern_count = (uint32_t)(to - patterns);
    for (size_t i = from; i < to; i++) {
        const struct entry *e = &b->entries[i];
        a->patterns[i] = (struct pattern){ e->rank, e->host.port, e->regex };
        g->best = e->rank < g->best ? e->rank : g->best;
    }
}

// Groups are made in the order of entries: any, exact, suffixes, prefixes.
static void index_groups(struct build *b, const uint32_t first[HOST_KINDS + 1])
{
    struct router *r = b->r;
    struct radix_key *keys = xmalloc((b->group_count + 1) * sizeof *keys);
    for (uint32_t i = 0; i < b->group_count; i++)
        keys[i] = (struct radix_key){ b->groups[i].host, i };
    if (first[HOST_EXACT] > first[HOST_ANY])
        r->any = &b->groups[first[HOST_ANY]];
    for (uint32_t i = first[HOST_EXACT]; i < first[HOST_SUFFIX]; i++)
        table_put(&r->exact, table_hash(keys[i].key.p, keys[i].key.n), &b->groups[i]);
    uint32_t suffixes = first[HOST_PREFIX] - first[HOST_SUFFIX];
    if (suffixes > 0)
        radix_build(&r->suffixes, b->arena, keys + first[HOST_SUFFIX], suffixes);
    uint32_t prefixes = first[HOST_KINDS] - first[HOST_PREFIX];
    if (prefixes > 0)
        radix_build(&r->prefixes, b->arena, keys + first[HOST_PREFIX], prefixes);
    free(keys);
}

static void build_groups(struct build *b)
{
    size_t n = b->entry_count;
    struct arrays a = {
        .candidates = arena_alloc(b->arena, n * sizeof *a.candidates),
        .buckets = arena_alloc(b->arena, n * sizeof *a.buckets),
        .patterns = arena_alloc(b->arena, n * sizeof *a.patterns),
        .keys = xmalloc((n + 1) * sizeof *a.keys),
    };
    uint32_t first[HOST_KINDS + 1] = { 0 };
    unsigned kind = HOST_ANY;
    b->groups = arena_alloc(b->arena, n * sizeof *b->groups);
    for (size_t from = 0, to; from < n; from = to) {
        to = run_of_host(b, from);
        while (kind < b->entries[from].host.kind)
            first[++kind] = b->group_count;
        build_group(b, &a, from, to);
    }
    while (kind < HOST_KINDS)
        first[++kind] = b->group_count;
    index_groups(b, first);
    b->r->candidates = a.candidates;
    b->r->buckets = a.buckets;
    b->r->groups = b->groups;
    free(a.keys);
}

err_t router_build(struct arena *arena, const struct route_desc *routes, unsigned count,
                   struct router **out, char why[256])
{
    struct build b = { .r = arena_new(arena, struct router), .arena = arena, .why = why };
    draft_contenders(&b, routes, count);
    bool ok = build_contenders(&b) && build_entries(&b, routes, count);
    if (ok)
        build_groups(&b);
    else
        router_done(b.r);
    free(b.drafts);
    free(b.entries);
    *out = ok ? b.r : NULL;
    return ok ? NULL : &err_internal;
}

void router_done(struct router *r)
{
    table_done(&r->exact);
    regex_set_done(&r->regexes);
}

bool router_regex_ok(struct str pattern, char why[256])
{
    struct regex_set set = { NULL };
    bool ok = regex_compile(&set, pattern, REGEX_ANCHORED, why) != NULL;
    regex_set_done(&set);
    return ok;
}
