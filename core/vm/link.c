// link.c - connections of cosockets, and the pools of idle ones.

#include "vm/link.h"

#include "base/mem.h"
#include "proxy/proxy.h"
#include "vm/state.h"

#include <stdlib.h>
#include <time.h>

// How long a peer has to take what is still to be sent to it.
enum { LINGER = 1000 };     // ms

struct link_pool {
    struct str name;        // its own copy
    uint64_t hash;
    struct list links;      // struct link, newest first
    unsigned count;
};

static void over(struct idle *i);

struct link *link_new(struct vm *vm, struct conn *c, const struct addr *addr)
{
    struct link *k = xcalloc(1, sizeof *k);
    k->vm = vm;
    k->conn = c;
    k->addr = *addr;
    idle_init(&k->idle, over);
    list_init(&k->by_age);
    return k;
}

struct link *link_new_unix(struct vm *vm, struct conn *c, struct str path)
{
    struct link *k = link_new(vm, c, &(struct addr){ 0 });
    k->path = (struct str){ xmemdup0(path.p, path.n), path.n };
    return k;
}

err_t link_set_policy(struct link *k, struct policy *policy, const struct peer_name *name,
                      char why[TRUST_WHY])
{
    struct realms *r = &k->vm->proxy->realms;
    struct realm *m;
    err_t err = realm_enter(r, policy, r->serial, true, &m, why);
    if (err)
        return err;
    struct peer_name sni;
    policy_sni_of(policy, name, (struct str){ name->text, name->len }, &sni);
    k->realm = m;
    k->peer = peer_enter(r, m, &k->addr, name, &sni);
    return NULL;
}

bool link_is_for(const struct link *k, const struct policy *policy, const struct peer_name *name)
{
    const int64_t now = (int64_t)time(NULL);
    return k->realm && k->realm->policy == policy && !k->realm->retired
        && k->peer->name.len == name->len
        && memcmp(k->peer->name.text, name->text, name->len) == 0
        && k->span.from <= now && now < k->span.until;
}

void link_close(struct link *k)
{
    struct realms *r = &k->vm->proxy->realms;
    if (k->realm && k->conn->filter)
        tls_client_forget(k->conn);
    conn_flush(k->conn);
    if (k->conn->pending.len > 0 && !k->conn->broken)
        conn_finish(k->conn, LINGER);
    else
        conn_close(k->conn);
    if (k->realm) {
        peer_leave(r, k->peer);
        realm_leave(r, k->realm);
    }
    free((char *)(uintptr_t)k->path.p);
    free(k);
}

// -- pools ----------------------------------------------------------------------------------------

static bool has_name(const void *value, const void *key)
{
    const struct link_pool *pool = value;
    return str_eq(pool->name, *(const struct str *)key);
}

static struct link_pool *find(struct vm *vm, struct str name)
{
    return table_get(&vm->pools.by_name, table_hash(name.p, name.n), has_name, &name);
}

static struct link_pool *open_pool(struct vm *vm, struct str name)
{
    struct link_pool *pool = find(vm, name);
    if (pool)
        return pool;
    pool = xcalloc(1, sizeof *pool);
    pool->name = (struct str){ xmemdup0(name.p, name.n), name.n };
    pool->hash = table_hash(name.p, name.n);
    list_init(&pool->links);
    table_put(&vm->pools.by_name, pool->hash, pool);
    return pool;
}

// An empty pool goes.
static void leave(struct link *k)
{
    struct link_pool *pool = k->pool;
    list_remove(&k->idle.node);
    list_remove(&k->by_age);
    k->vm->pools.count--;
    k->pool = NULL;
    if (--pool->count > 0)
        return;
    table_remove(&k->vm->pools.by_name, pool->hash, pool);
    free((char *)pool->name.p);
    free(pool);
}

static void drop(struct link *k)
{
    leave(k);
    link_close(k);
}

static void over(struct idle *i)
{
    drop(container_of(i, struct link, idle));
}

static struct link *oldest_of_pool(const struct link_pool *pool)
{
    return container_of(pool->links.prev, struct link, idle.node);
}

static struct link *oldest(const struct link_pools *pools)
{
    return container_of(pools->by_age.prev, struct link, by_age);
}

void links_init(struct link_pools *pools)
{
    list_init(&pools->by_age);
}

struct link *link_take(struct vm *vm, struct str name)
{
    struct link_pool *pool = find(vm, name);
    if (!pool)
        return NULL;
    list_each(it, &pool->links) {
        struct link *k = container_of(it, struct link, idle.node);
        if (!idle_is_quiet(k->conn))
            continue;
        leave(k);
        conn_set_timeout(k->conn, 0, false);
        k->reused++;
        return k;
    }
    return NULL;
}

void link_give(struct link *k, struct str name, const struct link_bounds *bounds)
{
    struct link_pools *pools = &k->vm->pools;
    struct link_pool *pool = open_pool(k->vm, name);
    k->pool = pool;
    list_push_head(&pool->links, &k->idle.node);
    list_push_head(&pools->by_age, &k->by_age);
    pool->count++;
    pools->count++;
    conn_start(k->conn);
    idle_begin(&k->idle, k->conn, bounds->idle_ms);
    if (pool->count > bounds->pool_size)
        drop(oldest_of_pool(pool));
    while (pools->count > bounds->all_pools)
        drop(oldest(pools));
}

void links_done(struct link_pools *pools)
{
    while (pools->count > 0)
        drop(oldest(pools));
    table_done(&pools->by_name);
}
