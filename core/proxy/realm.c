// realm.c - a worker's realms: made on first use, retired when their policy is not in force any
// more.

#include "proxy/realm.h"

#include "base/mem.h"
#include "conf/snapshot.h"
#include "proxy/peer.h"

#include <stdlib.h>

static uint64_t hash_of(const struct policy *policy)
{
    return table_hash(&policy, sizeof policy);
}

static bool has_policy(const void *value, const void *key)
{
    return ((const struct realm *)value)->policy == key;
}

static struct realm *make(struct realms *r, struct policy *policy)
{
    struct realm *m = xcalloc(1, sizeof *m);
    m->policy = policy ? policy_ref(policy) : NULL;
    m->last_used = r->loop->now;
    list_push_tail(&r->all, &m->node);
    return m;
}

static void destroy(struct realm *m)
{
    size_t at = 0;
    for (struct peer *p; (p = table_next(&m->peers, &at));) {
        peer_free(p);
        at = 0;
    }
    table_done(&m->peers);
    if (m->tls)
        tls_client_free(m->tls);
    policy_unref(m->policy);
    list_remove(&m->node);
    free(m);
}

// From here on nobody finds it; idle connections and sessions go now, exchanges under way finish.
static void retire(struct realms *r, struct realm *m)
{
    table_remove(&r->table, hash_of(m->policy), m);
    m->retired = true;
    if (m->users == 0) {
        destroy(m);
        return;
    }
    size_t at = 0;
    for (struct peer *p; (p = table_next(&m->peers, &at));)
        peer_forget(p);
}

static void sweep(struct timer *t)
{
    struct realms *r = container_of(t, struct realms, sweep);
    uint64_t now = r->loop->now;
    list_each(it, &r->all) {
        struct realm *m = container_of(it, struct realm, node);
        peers_sweep(r, m);
        if (m->derived && m->users == 0 && m->peers.count == 0 && now - m->last_used > REALM_UNUSED)
            retire(r, m);
    }
    loop_timer(r->loop, t, REALM_SWEEP);
}

void realms_init(struct realms *r, struct loop *loop)
{
    *r = (struct realms){ .loop = loop };
    list_init(&r->all);
    waiters_init(&r->waiters, loop);
    r->plain = make(r, NULL);
    timer_init(&r->sweep, sweep);
    loop_timer(loop, &r->sweep, REALM_SWEEP);
}

void realms_done(struct realms *r)
{
    loop_timer_clear(r->loop, &r->sweep);
    waiters_done(&r->waiters);
    list_each(it, &r->all)
        destroy(container_of(it, struct realm, node));
    table_done(&r->table);
}

err_t realm_enter(struct realms *r, struct policy *policy, int64_t serial, bool derived,
                  struct realm **out, char why[TRUST_WHY])
{
    struct realm *m = policy ? table_get(&r->table, hash_of(policy), has_policy, policy) : r->plain;
    if (!m) {
        struct tls_client *tls;
        err_t err = tls_client_new(policy, &r->tls, &tls, why);
        if (err)
            return err;
        m = make(r, policy);
        m->tls = tls;
        m->derived = derived;
        m->retired = serial != r->serial;
        if (!m->retired)
            table_put(&r->table, hash_of(policy), m);
    }
    if (serial == r->serial)
        m->derived = m->derived && derived;
    m->users++;
    m->last_used = r->loop->now;
    *out = m;
    return NULL;
}

void realm_leave(struct realms *r, struct realm *m)
{
    m->users--;
    m->last_used = r->loop->now;
    if (m->retired && m->users == 0)
        destroy(m);
}

// Policies are interned, so a set of pointers says what a configuration names.
static bool same_pointer(const void *value, const void *key)
{
    return value == key;
}

static void name(struct table *named, struct policy *p)
{
    if (p && !table_get(named, hash_of(p), same_pointer, p))
        table_put(named, hash_of(p), p);
}

void realms_adopt(struct realms *r, const struct snapshot *s)
{
    struct table named = { 0 };
    for (uint32_t i = 0; i < s->plan_count; i++) {
        name(&named, s->plans[i]->policy);
        for (uint32_t j = 0; j < s->plans[i]->target_count; j++)
            name(&named, s->plans[i]->targets[j].policy);
    }
    list_each(it, &r->all) {
        struct realm *m = container_of(it, struct realm, node);
        if (!m->policy || m->retired)
            continue;
        bool is_named = table_get(&named, hash_of(m->policy), same_pointer, m->policy) != NULL;
        if (is_named)
            m->derived = false;
        else if (!m->derived)
            retire(r, m);
    }
    table_done(&named);
    r->serial = s->serial;
    r->pool_size = s->settings.keepalive_pool_size;
    r->idle_timeout = s->settings.keepalive_idle_timeout;
    r->max_requests = s->settings.keepalive_max_requests;
    waiters_limit(&r->waiters, s->settings.tls_handshakes_max);
}
