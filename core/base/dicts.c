// dicts.c - a list of dictionaries that only grows.

#include "base/dicts.h"

#include "base/mem.h"

#include <pthread.h>

struct named {
    struct str name;
    struct dict *dict;
    struct named *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct named *first;

// The end of the list, or where the name stands in it.
static struct named **find(struct str name)
{
    struct named **at = &first;
    while (*at && !str_eq((*at)->name, name))
        at = &(*at)->next;
    return at;
}

struct dict *dicts_open(struct str name, size_t capacity)
{
    pthread_mutex_lock(&lock);
    struct named **at = find(name);
    if (!*at) {
        *at = xcalloc(1, sizeof **at);
        (*at)->name = (struct str){ xmemdup0(name.p, name.n), name.n };
        (*at)->dict = dict_new(capacity);
    }
    struct dict *d = (*at)->dict;
    pthread_mutex_unlock(&lock);
    return d;
}

struct dict *dicts_at(unsigned index, struct str *name)
{
    pthread_mutex_lock(&lock);
    const struct named *at = first;
    while (at && index-- > 0)
        at = at->next;
    pthread_mutex_unlock(&lock);
    if (!at)
        return NULL;
    *name = at->name;
    return at->dict;
}
