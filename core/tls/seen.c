// seen.c - a bounded table of peers, and their chains, interned.

#include "tls/seen.h"

#include "base/mem.h"
#include "tls/intern.h"
#include "tls/pem.h"

#include <stdio.h>
#include <stdlib.h>

// -- chains ---------------------------------------------------------------------------------------

struct seen_chain {
    unsigned refs;                  // of tls/intern.h
    unsigned char sha256[DIGEST_SIZE];
    struct str pem;
};

static void chain_free(void *object)
{
    struct seen_chain *c = object;
    free((char *)(uintptr_t)c->pem.p);
    free(c);
}

static struct intern chains = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .digest_at = offsetof(struct seen_chain, sha256),
    .destroy = chain_free,
};

// With a reference for the caller; NULL when there is no text of it.
static struct seen_chain *chain_of(const struct tls_presented *presented)
{
    struct seen_chain *c = intern_find(&chains, presented->sha256);
    if (c)
        return c;
    const struct str pem = pem_write(presented->certs, SEEN_CHAIN_MAX);
    if (pem.n == 0)
        return NULL;
    c = xcalloc(1, sizeof *c);
    memcpy(c->sha256, presented->sha256, sizeof c->sha256);
    c->pem = pem;
    return intern_add(&chains, c);
}

// -- peers ----------------------------------------------------------------------------------------

struct entry {
    struct list by_number, by_time;
    uint64_t hash;
    struct seen_chain *chain;
    struct seen_record record;
};

static void copy_text(char *out, size_t size, struct str s)
{
    snprintf(out, size, "%.*s", STR_ARG(s));
}

static bool same_name(const struct peer_name *a, const struct peer_name *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static bool is_text(const char *text, size_t size, struct str s)
{
    return strlen(text) == (s.n < size ? s.n : size - 1) && memcmp(text, s.p, strlen(text)) == 0;
}

static bool is_peer(const void *value, const void *key)
{
    const struct seen_record *r = &((const struct entry *)value)->record;
    const struct seen_peer *p = key;
    return addr_eq(&r->addr, p->addr) && same_name(&r->name, p->name) && same_name(&r->sni, p->sni)
        && strcmp(r->verdict.policy, p->policy) == 0
        && is_text(r->service_id, sizeof r->service_id, p->service_id);
}

static uint64_t hash_of(const struct seen_peer *p)
{
    return addr_hash(p->addr) ^ table_hash(p->name->text, p->name->len)
        ^ table_hash(p->policy, strlen(p->policy));
}

static struct entry *find(const struct seen *s, const struct seen_peer *p)
{
    return table_get(&s->peers, hash_of(p), is_peer, p);
}

static void touch(struct seen *s, struct entry *e, const struct seen_peer *p, int64_t at)
{
    copy_text(e->record.service_name, sizeof e->record.service_name, p->service_name);
    copy_text(e->record.route_id, sizeof e->record.route_id, p->route_id);
    copy_text(e->record.route_name, sizeof e->record.route_name, p->route_name);
    e->record.at = at;
    list_remove(&e->by_time);
    list_push_tail(&s->by_time, &e->by_time);
}

static void forget(struct seen *s, struct entry *e)
{
    table_remove(&s->peers, e->hash, e);
    list_remove(&e->by_number);
    list_remove(&e->by_time);
    s->bytes -= e->record.chain_size;
    intern_unref(&chains, e->chain);
    free(e);
}

static struct entry *add(struct seen *s, const struct seen_peer *p)
{
    struct entry *e = xcalloc(1, sizeof *e);
    struct seen_record *r = &e->record;
    r->number = ++s->last_number;
    r->addr = *p->addr;
    r->name = *p->name;
    r->sni = *p->sni;
    copy_text(r->service_id, sizeof r->service_id, p->service_id);
    e->hash = hash_of(p);
    list_init(&e->by_time);
    list_push_tail(&s->by_number, &e->by_number);
    table_put(&s->peers, e->hash, e);
    return e;
}

// Takes the reference to the chain.
static void set_chain(struct seen *s, struct entry *e, struct seen_chain *chain)
{
    s->bytes += chain->pem.n - e->record.chain_size;
    if (e->chain)
        intern_unref(&chains, e->chain);
    e->chain = chain;
    e->record.chain_size = chain->pem.n;
}

// The newest stays, however large it is.
static void make_room(struct seen *s)
{
    while (s->peers.count > 1 && (s->peers.count > s->peers_max || s->bytes > s->bytes_max))
        forget(s, container_of(list_first(&s->by_time), struct entry, by_time));
}

// -- the store ------------------------------------------------------------------------------------

void seen_init(struct seen *s, unsigned peers_max, size_t bytes_max)
{
    *s = (struct seen){ .peers_max = peers_max, .bytes_max = bytes_max };
    pthread_mutex_init(&s->mutex, NULL);
    list_init(&s->by_number);
    list_init(&s->by_time);
}

void seen_done(struct seen *s)
{
    list_each(it, &s->by_number)
        forget(s, container_of(it, struct entry, by_number));
    table_done(&s->peers);
    pthread_mutex_destroy(&s->mutex);
}

struct seen *seen_process(void)
{
    static struct seen process = {
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .by_number = { &process.by_number, &process.by_number },
        .by_time = { &process.by_time, &process.by_time },
        .peers_max = SEEN_PEERS_MAX,
        .bytes_max = SEEN_BYTES_MAX,
    };
    return &process;
}

bool seen_again(struct seen *s, const struct seen_peer *peer, const struct tls_presented *presented,
                enum verdict_code code)
{
    pthread_mutex_lock(&s->mutex);
    struct entry *e = find(s, peer);
    const bool again = e && e->record.verdict.code == code
        && memcmp(e->chain->sha256, presented->sha256, DIGEST_SIZE) == 0;
    if (again)
        touch(s, e, peer, presented->at);
    pthread_mutex_unlock(&s->mutex);
    return again;
}

void seen_put(struct seen *s, const struct seen_peer *peer, const struct tls_presented *presented,
              const struct verdict *verdict)
{
    // Written before the mutex is taken: other workers do not wait for it.
    struct seen_chain *chain = chain_of(presented);
    if (!chain)
        return;
    pthread_mutex_lock(&s->mutex);
    struct entry *e = find(s, peer);
    if (!e)
        e = add(s, peer);
    e->record.verdict = *verdict;
    set_chain(s, e, chain);
    touch(s, e, peer, presented->at);
    make_room(s);
    pthread_mutex_unlock(&s->mutex);
}

static struct entry *after(const struct seen *s, uint64_t number)
{
    list_each(it, &s->by_number) {
        struct entry *e = container_of(it, struct entry, by_number);
        if (e->record.number > number)
            return e;
    }
    return NULL;
}

bool seen_next(struct seen *s, uint64_t number, struct seen_record *out,
               char chain[SEEN_CHAIN_MAX + 1])
{
    pthread_mutex_lock(&s->mutex);
    const struct entry *e = after(s, number);
    if (e) {
        *out = e->record;
        memcpy(chain, e->chain->pem.p, e->chain->pem.n + 1);
    }
    pthread_mutex_unlock(&s->mutex);
    return e != NULL;
}
