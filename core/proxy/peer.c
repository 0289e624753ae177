// peer.c - peers, their idle connections and sessions.

#include "proxy/peer.h"

#include "base/counter.h"
#include "base/mem.h"

#include <stdlib.h>
#include <time.h>

struct peer_key {
    const struct addr *addr;
    const struct peer_name *name, *sni;
};

static bool is_name(const struct peer_name *a, const struct peer_name *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static bool is_peer(const void *value, const void *key)
{
    const struct peer *p = value;
    const struct peer_key *k = key;
    return is_name(&p->name, k->name) && is_name(&p->sni, k->sni) && addr_eq(&p->addr, k->addr);
}

struct peer *peer_enter(struct realms *r, struct realm *m, const struct addr *addr,
                        const struct peer_name *name, const struct peer_name *sni)
{
    uint64_t hash = addr_hash(addr) ^ table_hash(name->text, name->len) ^
                    table_hash(sni->text, sni->len) * 31;
    struct peer_key key = { addr, name, sni };
    struct peer *p = table_get(&m->peers, hash, is_peer, &key);
    if (!p) {
        if (m->peers.count >= PEERS_MANY)
            peers_sweep(r, m);
        p = xcalloc(1, sizeof *p);
        p->realm = m;
        p->addr = *addr;
        p->name = *name;
        p->sni = *sni;
        p->hash = hash;
        list_init(&p->idle);
        wait_queue_init(&p->queue);
        wait_queue_init(&p->sockets);
        table_put(&m->peers, hash, p);
    }
    p->users++;
    p->last_used = r->loop->now;
    return p;
}

void peer_leave(struct realms *r, struct peer *p)
{
    p->users--;
    p->last_used = r->loop->now;
}

void peer_conn_close(struct peer_conn *pc)
{
    conn_close(pc->conn);
    free(pc);
}

static void leave_idle(struct peer_conn *pc)
{
    list_remove(&pc->idle.node);
    pc->peer->idle_count--;
    counter_sub(&pc->realms->idle, 1);
}

static void drop(struct peer_conn *pc)
{
    leave_idle(pc);
    peer_conn_close(pc);
}

static void over(struct idle *i)
{
    drop(container_of(i, struct peer_conn, idle));
}

struct peer_conn *peer_conn_new(struct realms *r, struct peer *p, struct conn *c)
{
    struct peer_conn *pc = xcalloc(1, sizeof *pc);
    *pc = (struct peer_conn){
        .realms = r, .peer = p, .conn = c, .span = tls_client_span(c),
    };
    idle_init(&pc->idle, over);
    counter_add(&r->opened, 1);
    return pc;
}

// The loop's time is none that certificates know.
static bool is_within(const struct tls_span *s, int64_t now)
{
    return s->from <= now && now < s->until;
}

struct peer_conn *peer_take(struct peer *p)
{
    const int64_t now = (int64_t)time(NULL);
    list_each(it, &p->idle) {
        struct peer_conn *pc = container_of(it, struct peer_conn, idle.node);
        if (!idle_is_quiet(pc->conn))
            continue;
        if (!is_within(&pc->span, now)) {
            drop(pc);
            continue;
        }
        leave_idle(pc);
        counter_add(&pc->realms->reused, 1);
        return pc;
    }
    return NULL;
}

// How long the connection may stay idle, ms; 0: for ever.
static uint64_t idle_time(const struct peer_conn *pc, int64_t now)
{
    const uint64_t limit = pc->realms->idle_timeout;
    if (pc->span.until == INT64_MAX)
        return limit;
    const uint64_t left = (uint64_t)(pc->span.until - now) * 1000;
    return limit == 0 || left < limit ? left : limit;
}

void peer_give(struct peer_conn *pc)
{
    const int64_t now = (int64_t)time(NULL);
    struct realms *r = pc->realms;
    struct peer *p = pc->peer;
    bool spent = r->max_requests > 0 && pc->requests >= r->max_requests;
    conn_flush(pc->conn);
    bool busy = pc->conn->held.len > 0 || pc->conn->pending.len > 0;
    bool expired = !is_within(&pc->span, now);
    if (p->realm->retired || spent || busy || expired || p->idle_count >= r->pool_size) {
        peer_conn_close(pc);
        return;
    }
    list_push_head(&p->idle, &pc->idle.node);
    p->idle_count++;
    counter_add(&r->idle, 1);
    idle_begin(&pc->idle, pc->conn, idle_time(pc, now));
    waiters_feed(&r->waiters, &p->queue);
}

void peer_forget(struct peer *p)
{
    list_each(it, &p->idle)
        drop(container_of(it, struct peer_conn, idle.node));
    session_clear(&p->sessions);
}

void peer_free(struct peer *p)
{
    peer_forget(p);
    table_remove(&p->realm->peers, p->hash, p);
    free(p);
}

void peers_sweep(struct realms *r, struct realm *m)
{
    bool many = m->peers.count >= PEERS_MANY;
    size_t at = 0;
    for (struct peer *p; (p = table_next(&m->peers, &at));) {
        bool used = p->users > 0 || p->idle_count > 0;
        if (used || (!many && r->loop->now - p->last_used < REALM_UNUSED))
            continue;
        peer_free(p);
        at = 0;     // removal moves entries
    }
}
