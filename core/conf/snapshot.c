// snapshot.c - building, counting and freeing of configurations.

#include "conf/snapshot.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

// Makes room for one more element in an array that lives on the heap (not in the arena: it moves
// while it grows).
static void *grow(void *array, uint32_t count, uint32_t *cap, size_t size)
{
    if (count < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 16;
    return xrealloc(array, *cap * size);
}

struct snapshot *snapshot_new(void)
{
    struct snapshot *s = xcalloc(1, sizeof *s);
    s->refs = 1;
    arena_init(&s->arena, NULL);
    return s;
}

uint32_t snapshot_add_upstream(struct snapshot *s, struct str name, struct str host_header,
                               bool implicit)
{
    s->upstreams = grow(s->upstreams, s->upstream_count, &s->upstream_cap, sizeof *s->upstreams);
    s->upstreams[s->upstream_count] = (struct upstream_conf){
        .name = arena_dup(&s->arena, name),
        .host_header = arena_dup(&s->arena, host_header),
        .implicit = implicit,
    };
    return s->upstream_count++;
}

void snapshot_add_target(struct snapshot *s, uint32_t upstream, struct str host, uint16_t port,
                         uint32_t weight)
{
    struct upstream_conf *u = &s->upstreams[upstream];
    u->targets = grow(u->targets, u->target_count, &u->target_cap, sizeof *u->targets);
    struct target *t = &u->targets[u->target_count++];
    *t = (struct target){ .host = arena_dup(&s->arena, host), .port = port, .weight = weight };
    t->ip = addr_parse(host, port, &t->addr) == NULL;
}

static const struct target_policy *dup_targets(struct arena *a, const struct plan *plan)
{
    if (plan->target_count == 0)
        return NULL;
    struct target_policy *targets = arena_alloc(a, plan->target_count * sizeof *targets);
    for (uint32_t i = 0; i < plan->target_count; i++) {
        const struct target_policy *t = &plan->targets[i];
        targets[i] = (struct target_policy){
            .host = arena_dup(a, t->host),
            .port = t->port,
            .policy = t->policy ? policy_ref(t->policy) : NULL,
            .error = arena_dup(a, t->error),
        };
    }
    return targets;
}

uint32_t snapshot_add_plan(struct snapshot *s, const struct plan *plan)
{
    s->plans = grow(s->plans, s->plan_count, &s->plan_cap, sizeof *s->plans);
    struct plan *p = arena_alloc(&s->arena, sizeof *p);
    *p = *plan;
    p->index = s->plan_count;
    p->policy = plan->policy ? policy_ref(plan->policy) : NULL;
    p->service_path = arena_dup(&s->arena, plan->service_path);
    p->error = arena_dup(&s->arena, plan->error);
    p->of_target = NULL;
    p->targets = dup_targets(&s->arena, plan);
    p->judges = arena_dup(&s->arena, plan->judges);
    p->service_host = arena_dup(&s->arena, plan->service_host);
    p->service_name = arena_dup(&s->arena, plan->service_name);
    p->service_id = arena_dup(&s->arena, plan->service_id);
    p->route_name = arena_dup(&s->arena, plan->route_name);
    p->route_id = arena_dup(&s->arena, plan->route_id);
    s->plans[s->plan_count] = p;
    return s->plan_count++;
}

static const struct str *dup_strs(struct arena *a, const struct str *from, unsigned count)
{
    struct str *to = arena_alloc(a, count * sizeof *to);
    for (unsigned i = 0; i < count; i++)
        to[i] = arena_dup(a, from[i]);
    return to;
}

void snapshot_add_route(struct snapshot *s, const struct route_desc *route)
{
    s->routes = grow(s->routes, s->route_count, &s->route_cap, sizeof *s->routes);
    struct route_desc *r = &s->routes[s->route_count++];
    *r = *route;
    r->id = arena_dup(&s->arena, route->id);
    r->hosts = dup_strs(&s->arena, route->hosts, route->host_count);
    r->paths = dup_strs(&s->arena, route->paths, route->path_count);
    r->methods = dup_strs(&s->arena, route->methods, route->method_count);
    r->snis = dup_strs(&s->arena, route->snis, route->sni_count);
    struct route_header *headers = arena_alloc(&s->arena, route->header_count * sizeof *headers);
    for (unsigned i = 0; i < route->header_count; i++)
        headers[i] = (struct route_header){
            .name = arena_dup(&s->arena, route->headers[i].name),
            .values = dup_strs(&s->arena, route->headers[i].values, route->headers[i].count),
            .count = route->headers[i].count,
        };
    r->headers = headers;
}

void snapshot_add_certificate(struct snapshot *s, struct str sni, struct credential *credential)
{
    s->certificates = grow(s->certificates, s->certificate_count, &s->certificate_cap,
                           sizeof *s->certificates);
    s->certificates[s->certificate_count++] = (struct certificate_conf){
        .sni = arena_dup(&s->arena, sni),
        .credential = credential_ref(credential),
    };
}

// What the data path relies on without looking again.
static err_t check_plan(const struct snapshot *s, const struct plan *p)
{
    if (p->upstream >= (int32_t)s->upstream_count || p->upstream < -1)
        return &err_internal;
    if (p->tls && p->upstream >= 0 && (p->policy != NULL) == (p->error.n > 0))
        return &err_internal;
    if (!p->tls && (p->policy || p->target_count > 0))
        return &err_internal;
    for (uint32_t i = 0; i < p->target_count; i++)
        if ((p->targets[i].policy != NULL) == (p->targets[i].error.n > 0))
            return &err_internal;
    return NULL;
}

// Requests find what differs for a target of the plan's own upstream by the target's index.
static void index_targets(struct snapshot *s, struct plan *p)
{
    if (p->target_count == 0 || p->upstream < 0)
        return;
    const struct upstream_conf *u = &s->upstreams[p->upstream];
    p->of_target = arena_alloc(&s->arena, (u->target_count + 1) * sizeof *p->of_target);
    for (uint32_t i = 0; i < u->target_count; i++)
        p->of_target[i] = plan_target(p, u->targets[i].host, u->targets[i].port);
}

// Not in the arena: there may be tens of megabytes of it, which malloc() lets grow where they are.
void snapshot_add_entities(struct snapshot *s, struct str piece)
{
    if (piece.n == 0)
        return;
    if (s->entities_cap - s->entities_size < piece.n) {
        s->entities_cap += s->entities_cap / 2 + piece.n;
        s->entities = xrealloc(s->entities, s->entities_cap);
    }
    memcpy(s->entities + s->entities_size, piece.p, piece.n);
    s->entities_size += piece.n;
}

err_t snapshot_seal(struct snapshot *s, char why[256])
{
    if (s->plan_count == 0) {
        strcpy(why, "a configuration needs the plan for requests without a route");
        return &err_internal;
    }
    for (uint32_t i = 0; i < s->plan_count; i++) {
        err_t err = check_plan(s, s->plans[i]);
        if (err) {
            strcpy(why, "a plan has neither one policy nor one error, or no such upstream");
            return err;
        }
        index_targets(s, s->plans[i]);
    }
    return router_build(&s->arena, s->routes, s->route_count, &s->router, why);
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    __atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
    return s;
}

static void drop_policies(const struct plan *p)
{
    policy_unref(p->policy);
    for (uint32_t i = 0; i < p->target_count; i++)
        policy_unref(p->targets[i].policy);
}

void snapshot_unref(struct snapshot *s)
{
    if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (uint32_t i = 0; i < s->plan_count; i++)
        drop_policies(s->plans[i]);
    for (uint32_t i = 0; i < s->upstream_count; i++)
        free(s->upstreams[i].targets);
    for (uint32_t i = 0; i < s->certificate_count; i++)
        credential_unref(s->certificates[i].credential);
    if (s->router)
        router_done(s->router);
    free(s->plans);
    free(s->upstreams);
    free(s->routes);
    free(s->certificates);
    free(s->entities);
    arena_done(&s->arena);
    free(s);
}

int32_t snapshot_find_upstream(const struct snapshot *s, struct str name)
{
    // Only plugins ask (kong.service.set_upstream); plans carry indices.
    for (uint32_t i = 0; i < s->upstream_count; i++)
        if (!s->upstreams[i].implicit && str_eq(s->upstreams[i].name, name))
            return (int32_t)i;
    return -1;
}
