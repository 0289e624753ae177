// api_dict.c - shared dictionaries for Lua. A struct weir_dict is a struct dict by its outer name.

#include "base/dicts.h"
#include "base/mem.h"
#include "vm/api.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

// Results and types are passed on as they are.
#define SAME(name) static_assert((int)WEIR_DICT_##name == (int)DICT_##name, #name)
SAME(OK);
SAME(NOT_FOUND);
SAME(EXISTS);
SAME(NO_MEMORY);
SAME(NOT_A_NUMBER);
SAME(IS_A_LIST);
SAME(NOT_A_LIST);
SAME(NONE);
SAME(BOOLEAN);
SAME(NUMBER);
SAME(STRING);
SAME(LIST);
SAME(SET);
SAME(ADD);
SAME(REPLACE);
#undef SAME

// What the slices that go to Lua point into: one item for each thread. A value may be large, but
// none stays for long.
enum { KEEP = 64 * 1024 };
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t item_key;

static void free_item(void *item)
{
    dict_item_done(item);
    free(item);
}

static void make_key(void)
{
    if (pthread_key_create(&item_key, free_item) != 0)
        abort();
}

static struct dict_item *fresh_item(void)
{
    pthread_once(&once, make_key);
    struct dict_item *item = pthread_getspecific(item_key);
    if (!item) {
        item = xcalloc(1, sizeof *item);
        pthread_setspecific(item_key, item);
    }
    if (item->room > KEEP)
        dict_item_done(item);
    return item;
}

static struct dict *inner(struct weir_dict *d)
{
    return (struct dict *)d;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + 1;
}

static struct dict_value value_of(const struct weir_dict_value *v)
{
    return (struct dict_value){ (enum dict_type)v->type, v->number,
                                api_str(v->text.p, v->text.n) };
}

static int give(struct weir_dict_value *out, const struct dict_item *found,
                enum dict_result result)
{
    if (result == DICT_OK) {
        *out = (struct weir_dict_value){ .type = (int32_t)found->type, .stale = found->stale,
                                         .flags = found->flags, .number = found->number };
        api_give(&out->text, api_str(found->text, found->n));
    }
    return (int)result;
}

struct weir_dict *weir_dict_open(const char *name, size_t n, size_t capacity)
{
    return (struct weir_dict *)dicts_open(api_str(name, n), capacity);
}

struct weir_dict *weir_dict_at(uint32_t index, struct weir_str *name)
{
    struct str found;
    struct dict *d = dicts_at(index, &found);
    if (d)
        api_give(name, found);
    return (struct weir_dict *)d;
}

size_t weir_dict_capacity(const struct weir_dict *d)
{
    return dict_capacity((const struct dict *)d);
}

size_t weir_dict_free_space(struct weir_dict *d)
{
    return dict_free_space(inner(d));
}

int weir_dict_get(struct weir_dict *d, const char *key, size_t n, int stale,
                  struct weir_dict_value *out)
{
    struct dict_item *found = fresh_item();
    return give(out, found, dict_get(inner(d), api_str(key, n), now_ms(), stale != 0, found));
}

int weir_dict_put(struct weir_dict *d, const char *key, size_t n,
                  const struct weir_dict_value *value, int how, int64_t ttl, int *forced)
{
    bool gone;
    struct dict_how put = { .store = (enum dict_store)(how & ~WEIR_DICT_SAFE),
                            .safe = (how & WEIR_DICT_SAFE) != 0, .flags = value->flags,
                            .ttl = ttl };
    int result = (int)dict_put(inner(d), api_str(key, n), now_ms(), value_of(value), put, &gone);
    *forced = gone;
    return result;
}

int weir_dict_incr(struct weir_dict *d, const char *key, size_t n, double *number, int has_init,
                   double init, int64_t ttl, int *forced)
{
    bool gone;
    int result = (int)dict_add(inner(d), api_str(key, n), now_ms(), *number,
                               has_init ? &init : NULL, ttl, number, &gone);
    *forced = gone;
    return result;
}

int weir_dict_push(struct weir_dict *d, const char *key, size_t n, int left,
                   const struct weir_dict_value *value, size_t *length)
{
    return (int)dict_push(inner(d), api_str(key, n), now_ms(), left ? DICT_LEFT : DICT_RIGHT,
                          value_of(value), length);
}

int weir_dict_pop(struct weir_dict *d, const char *key, size_t n, int left,
                  struct weir_dict_value *out)
{
    struct dict_item *found = fresh_item();
    return give(out, found, dict_pop(inner(d), api_str(key, n), now_ms(),
                                     left ? DICT_LEFT : DICT_RIGHT, found));
}

int weir_dict_length(struct weir_dict *d, const char *key, size_t n, size_t *length)
{
    return (int)dict_length(inner(d), api_str(key, n), now_ms(), length);
}

int weir_dict_ttl(struct weir_dict *d, const char *key, size_t n, int64_t *ttl)
{
    return (int)dict_ttl(inner(d), api_str(key, n), now_ms(), ttl);
}

int weir_dict_expire(struct weir_dict *d, const char *key, size_t n, int64_t ttl)
{
    return (int)dict_expire(inner(d), api_str(key, n), now_ms(), ttl);
}

void weir_dict_flush_all(struct weir_dict *d)
{
    dict_flush_all(inner(d));
}

size_t weir_dict_flush_expired(struct weir_dict *d, size_t max)
{
    return dict_flush_expired(inner(d), now_ms(), max);
}

size_t weir_dict_keys(struct weir_dict *d, size_t max, struct weir_str *out)
{
    struct dict_item *found = fresh_item();
    size_t count = dict_keys(inner(d), now_ms(), max, found);
    api_give(out, api_str(found->text, found->n));
    return count;
}
