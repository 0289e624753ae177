// dict.c - the stripes of a shared dictionary.

#include "base/dict.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/table.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>

enum {
    STRIPES_MOST = 16,
    STRIPE_LEAST = 512 * 1024,  // bytes; smaller dictionaries have fewer stripes
    ENTRY_EXTRA = 64,           // an entry's place in the table and the allocator's share
    ITEM_EXTRA = 16,            // the allocator's share of a list's value
    OVER = 1,                   // an end that is in the past at all times
};

struct entry {
    struct list use;            // in stripe.by_use
    uint64_t hash;
    int64_t end;                // 0: none
    enum dict_type type;
    uint32_t flags;
    uint32_t key_n;
    size_t n;                   // bytes of the text; values of the list
    size_t cost;
    double number;
    struct list items;          // DICT_LIST
    char bytes[];               // key, text
};

// A value of a list.
struct item {
    struct list link;
    enum dict_type type;
    size_t n, cost;
    double number;
    char text[];
};

struct stripe {
    alignas(64) pthread_mutex_t lock;
    struct table entries;
    struct list by_use;
    size_t used, capacity;
};

struct dict {
    size_t capacity;
    unsigned stripe_count;      // a power of two
    struct stripe stripes[];
};

// -- entries --------------------------------------------------------------------------------------

static struct str key_of(const struct entry *e)
{
    return (struct str){ e->bytes, e->key_n };
}

static struct str text_of(const struct entry *e)
{
    return (struct str){ e->bytes + e->key_n, e->type == DICT_STRING ? e->n : 0 };
}

static bool has_key(const void *value, const void *key)
{
    return str_eq(key_of(value), *(const struct str *)key);
}

static bool is_over(const struct entry *e, int64_t now)
{
    return e->end != 0 && e->end <= now;
}

static struct item *item_at(struct list *link)
{
    return container_of(link, struct item, link);
}

static void drop_item(struct stripe *s, struct entry *e, struct item *item)
{
    list_remove(&item->link);
    s->used -= item->cost;
    e->cost -= item->cost;
    e->n--;
    free(item);
}

static void drop(struct stripe *s, struct entry *e)
{
    if (e->type == DICT_LIST)
        list_each(link, &e->items)
            drop_item(s, e, item_at(link));
    table_remove(&s->entries, e->hash, e);
    list_remove(&e->use);
    s->used -= e->cost;
    free(e);
}

static size_t cost_of_entry(size_t key_n, size_t text_n)
{
    return sizeof(struct entry) + key_n + text_n + ENTRY_EXTRA;
}

// Takes the least recently used away until `need` bytes fit in; `safe`: only what is over anyway.
// Never `keep`, which is the one used last.
static bool make_room(struct stripe *s, size_t need, bool safe, const struct entry *keep,
                      int64_t now, bool *forced)
{
    if (need > s->capacity)
        return false;
    while (s->used + need > s->capacity) {
        if (list_empty(&s->by_use))
            return false;
        struct entry *last = container_of(s->by_use.prev, struct entry, use);
        const bool over = is_over(last, now);
        if (last == keep || (safe && !over))
            return false;
        *forced = *forced || !over;
        drop(s, last);
    }
    return true;
}

static struct entry *new_entry(struct stripe *s, struct str key, uint64_t hash,
                               struct dict_value value)
{
    struct entry *e = xmalloc(sizeof *e + key.n + value.text.n);
    *e = (struct entry){ .hash = hash, .type = value.type, .key_n = (uint32_t)key.n,
                         .n = value.text.n, .number = value.number,
                         .cost = cost_of_entry(key.n, value.text.n) };
    memcpy(e->bytes, key.p, key.n);
    if (value.text.n > 0)
        memcpy(e->bytes + key.n, value.text.p, value.text.n);
    list_init(&e->items);
    list_push_head(&s->by_use, &e->use);
    table_put(&s->entries, hash, e);
    s->used += e->cost;
    return e;
}

// -- stripes --------------------------------------------------------------------------------------

struct dict *dict_new(size_t capacity)
{
    if (capacity < DICT_LEAST)
        capacity = DICT_LEAST;
    unsigned count = 1;
    while (count < STRIPES_MOST && capacity / (2 * count) >= STRIPE_LEAST)
        count *= 2;
    const size_t size = sizeof(struct dict) + count * sizeof(struct stripe);
    struct dict *d = aligned_alloc(alignof(struct stripe), size);
    if (!d)
        abort();
    memset(d, 0, size);
    d->capacity = capacity;
    d->stripe_count = count;
    for (unsigned i = 0; i < count; i++) {
        struct stripe *s = &d->stripes[i];
        if (pthread_mutex_init(&s->lock, NULL) != 0)
            abort();
        list_init(&s->by_use);
        s->capacity = capacity / count;
    }
    return d;
}

void dict_free(struct dict *d)
{
    for (unsigned i = 0; i < d->stripe_count; i++) {
        struct stripe *s = &d->stripes[i];
        list_each(use, &s->by_use)
            drop(s, container_of(use, struct entry, use));
        table_done(&s->entries);
        pthread_mutex_destroy(&s->lock);
    }
    free(d);
}

size_t dict_capacity(const struct dict *d)
{
    return d->capacity;
}

// The stripe of a key, locked. The table within uses the low bits of the hash.
static struct stripe *enter(struct dict *d, struct str key, uint64_t *hash)
{
    *hash = table_hash(key.p, key.n);
    struct stripe *s = &d->stripes[*hash >> 48 & (d->stripe_count - 1)];
    pthread_mutex_lock(&s->lock);
    return s;
}

static enum dict_result leave(struct stripe *s, enum dict_result result)
{
    pthread_mutex_unlock(&s->lock);
    return result;
}

// The entry of a key, which is thereby the one used last; NULL when there is none. It may be over.
static struct entry *use(struct stripe *s, struct str key, uint64_t hash)
{
    struct entry *e = table_get(&s->entries, hash, has_key, &key);
    if (e) {
        list_remove(&e->use);
        list_push_head(&s->by_use, &e->use);
    }
    return e;
}

// Locks the stripe of a key and finds its entry, if its time is not over.
static struct entry *enter_and_use(struct dict *d, struct str key, int64_t now, struct stripe **s)
{
    uint64_t hash;
    *s = enter(d, key, &hash);
    struct entry *e = use(*s, key, hash);
    return e && !is_over(e, now) ? e : NULL;
}

static int64_t end_of(int64_t now, int64_t ttl)
{
    return ttl > 0 ? now + ttl : 0;
}

// -- reading --------------------------------------------------------------------------------------

static char *reserve(struct dict_item *out, size_t n)
{
    if (n > out->room) {
        out->text = xrealloc(out->text, n);
        out->room = n;
    }
    return out->text;
}

static void copy_text(struct dict_item *out, struct str text)
{
    reserve(out, text.n);
    if (text.n > 0)
        memcpy(out->text, text.p, text.n);
    out->n = text.n;
}

void dict_item_done(struct dict_item *item)
{
    free(item->text);
    *item = (struct dict_item){ 0 };
}

enum dict_result dict_get(struct dict *d, struct str key, int64_t now, bool stale,
                          struct dict_item *out)
{
    uint64_t hash;
    struct stripe *s = enter(d, key, &hash);
    const struct entry *e = use(s, key, hash);
    if (!e || (!stale && is_over(e, now)))
        return leave(s, DICT_NOT_FOUND);
    if (e->type == DICT_LIST)
        return leave(s, DICT_IS_A_LIST);
    out->type = e->type;
    out->stale = is_over(e, now);
    out->flags = e->flags;
    out->number = e->number;
    copy_text(out, text_of(e));
    return leave(s, DICT_OK);
}

enum dict_result dict_ttl(struct dict *d, struct str key, int64_t now, int64_t *ttl)
{
    struct stripe *s;
    const struct entry *e = enter_and_use(d, key, now, &s);
    if (!e)
        return leave(s, DICT_NOT_FOUND);
    *ttl = e->end ? e->end - now : 0;
    return leave(s, DICT_OK);
}

// -- writing --------------------------------------------------------------------------------------

// Puts a value in, in place of `old` if there is one. Does not change anything when it cannot.
static enum dict_result replace(struct stripe *s, struct entry *old, struct str key, uint64_t hash,
                                int64_t now, struct dict_value value, struct dict_how how,
                                bool *forced)
{
    const size_t cost = cost_of_entry(key.n, value.text.n);
    const size_t freed = old ? old->cost : 0;
    if (cost > s->capacity ||
        (cost > freed && !make_room(s, cost - freed, how.safe, old, now, forced)))
        return DICT_NO_MEMORY;
    if (old)
        drop(s, old);
    struct entry *e = new_entry(s, key, hash, value);
    e->flags = how.flags;
    e->end = end_of(now, how.ttl);
    return DICT_OK;
}

enum dict_result dict_put(struct dict *d, struct str key, int64_t now, struct dict_value value,
                          struct dict_how how, bool *forced)
{
    *forced = false;
    uint64_t hash;
    struct stripe *s = enter(d, key, &hash);
    struct entry *old = use(s, key, hash);
    const bool there = old && !is_over(old, now);
    if (how.store == DICT_ADD && there)
        return leave(s, DICT_EXISTS);
    if (how.store == DICT_REPLACE && !there)
        return leave(s, DICT_NOT_FOUND);
    if (value.type != DICT_NONE)
        return leave(s, replace(s, old, key, hash, now, value, how, forced));
    if (old)
        drop(s, old);
    return leave(s, DICT_OK);
}

enum dict_result dict_add(struct dict *d, struct str key, int64_t now, double by,
                          const double *init, int64_t ttl, double *result, bool *forced)
{
    *forced = false;
    uint64_t hash;
    struct stripe *s = enter(d, key, &hash);
    struct entry *e = use(s, key, hash);
    if (e && !is_over(e, now)) {
        if (e->type != DICT_NUMBER)
            return leave(s, DICT_NOT_A_NUMBER);
        *result = e->number += by;
        return leave(s, DICT_OK);
    }
    if (!init)
        return leave(s, DICT_NOT_FOUND);
    *result = *init + by;
    struct dict_value value = { .type = DICT_NUMBER, .number = *result };
    struct dict_how how = { .ttl = ttl };
    return leave(s, replace(s, e, key, hash, now, value, how, forced));
}

enum dict_result dict_expire(struct dict *d, struct str key, int64_t now, int64_t ttl)
{
    struct stripe *s;
    struct entry *e = enter_and_use(d, key, now, &s);
    if (!e)
        return leave(s, DICT_NOT_FOUND);
    e->end = end_of(now, ttl);
    return leave(s, DICT_OK);
}

// -- lists ----------------------------------------------------------------------------------------

static struct item *new_item(struct dict_value value, size_t cost)
{
    struct item *item = xmalloc(sizeof *item + value.text.n);
    *item = (struct item){ .type = value.type, .n = value.text.n, .cost = cost,
                           .number = value.number };
    if (value.text.n > 0)
        memcpy(item->text, value.text.p, value.text.n);
    return item;
}

enum dict_result dict_push(struct dict *d, struct str key, int64_t now, enum dict_end end,
                           struct dict_value value, size_t *length)
{
    uint64_t hash;
    struct stripe *s = enter(d, key, &hash);
    struct entry *e = use(s, key, hash);
    if (e && is_over(e, now)) {
        drop(s, e);
        e = NULL;
    }
    if (e && e->type != DICT_LIST)
        return leave(s, DICT_NOT_A_LIST);
    const size_t cost = sizeof(struct item) + value.text.n + ITEM_EXTRA;
    bool forced = false;
    if (!make_room(s, cost + (e ? 0 : cost_of_entry(key.n, 0)), true, e, now, &forced))
        return leave(s, DICT_NO_MEMORY);
    if (!e)
        e = new_entry(s, key, hash, (struct dict_value){ .type = DICT_LIST });
    struct item *item = new_item(value, cost);
    if (end == DICT_LEFT)
        list_push_head(&e->items, &item->link);
    else
        list_push_tail(&e->items, &item->link);
    s->used += cost;
    e->cost += cost;
    *length = ++e->n;
    return leave(s, DICT_OK);
}

enum dict_result dict_pop(struct dict *d, struct str key, int64_t now, enum dict_end end,
                          struct dict_item *out)
{
    struct stripe *s;
    struct entry *e = enter_and_use(d, key, now, &s);
    if (!e)
        return leave(s, DICT_NOT_FOUND);
    if (e->type != DICT_LIST)
        return leave(s, DICT_NOT_A_LIST);
    struct item *item = item_at(end == DICT_LEFT ? e->items.next : e->items.prev);
    out->type = item->type;
    out->number = item->number;
    copy_text(out, (struct str){ item->text, item->n });
    if (e->n == 1)
        drop(s, e);
    else
        drop_item(s, e, item);
    return leave(s, DICT_OK);
}

enum dict_result dict_length(struct dict *d, struct str key, int64_t now, size_t *length)
{
    struct stripe *s;
    const struct entry *e = enter_and_use(d, key, now, &s);
    *length = e ? e->n : 0;
    return leave(s, e && e->type != DICT_LIST ? DICT_NOT_A_LIST : DICT_OK);
}

// -- all of it ------------------------------------------------------------------------------------

size_t dict_free_space(struct dict *d)
{
    size_t used = 0;
    for (unsigned i = 0; i < d->stripe_count; i++) {
        struct stripe *s = &d->stripes[i];
        pthread_mutex_lock(&s->lock);
        used += s->used;
        pthread_mutex_unlock(&s->lock);
    }
    return d->capacity - used;
}

void dict_flush_all(struct dict *d)
{
    for (unsigned i = 0; i < d->stripe_count; i++) {
        struct stripe *s = &d->stripes[i];
        pthread_mutex_lock(&s->lock);
        list_each(use, &s->by_use)
            container_of(use, struct entry, use)->end = OVER;
        pthread_mutex_unlock(&s->lock);
    }
}

size_t dict_flush_expired(struct dict *d, int64_t now, size_t max)
{
    size_t count = 0;
    for (unsigned i = 0; i < d->stripe_count; i++) {
        struct stripe *s = &d->stripes[i];
        pthread_mutex_lock(&s->lock);
        list_each(use, &s->by_use) {
            if (max > 0 && count == max)
                break;
            struct entry *e = container_of(use, struct entry, use);
            if (!is_over(e, now))
                continue;
            drop(s, e);
            count++;
        }
        pthread_mutex_unlock(&s->lock);
    }
    return count;
}

static void append_key(struct dict_item *out, struct str key)
{
    const uint32_t n = (uint32_t)key.n;
    const size_t end = out->n + sizeof n + n;
    if (end > out->room)
        reserve(out, 2 * end);
    memcpy(out->text + out->n, &n, sizeof n);
    memcpy(out->text + out->n + sizeof n, key.p, n);
    out->n = end;
}

size_t dict_keys(struct dict *d, int64_t now, size_t max, struct dict_item *out)
{
    size_t count = 0;
    out->n = 0;
    for (unsigned i = 0; i < d->stripe_count; i++) {
        struct stripe *s = &d->stripes[i];
        pthread_mutex_lock(&s->lock);
        list_each(use, &s->by_use) {
            if (max > 0 && count == max)
                break;
            const struct entry *e = container_of(use, struct entry, use);
            if (is_over(e, now))
                continue;
            append_key(out, key_of(e));
            count++;
        }
        pthread_mutex_unlock(&s->lock);
    }
    return count;
}
