// tally.c - a table of services with their counters.

#include "tls/tally.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A name as records have it: what is cut off does not tell services apart.
static struct str shortened(struct str name)
{
    return (struct str){ name.p, name.n < TALLY_NAME ? name.n : TALLY_NAME - 1 };
}

static bool is_named(const void *value, const void *key)
{
    const struct tally_record *r = value;
    const struct str *name = key;
    return strlen(r->service) == name->n && memcmp(r->service, name->p, name->n) == 0;
}

static struct tally_record *add(struct tally *t, struct str name, uint64_t hash)
{
    if (t->count == t->room) {
        t->room = t->room ? 2 * t->room : 16;
        t->list = xrealloc(t->list, t->room * sizeof *t->list);
    }
    struct tally_record *r = xcalloc(1, sizeof *r);
    snprintf(r->service, sizeof r->service, "%.*s", STR_ARG(name));
    table_put(&t->by_name, hash, r);
    t->list[t->count++] = r;
    return r;
}

static struct tally_record *find_or_add(struct tally *t, struct str name)
{
    const uint64_t hash = table_hash(name.p, name.n);
    struct tally_record *r = table_get(&t->by_name, hash, is_named, &name);
    if (r)
        return r;
    // "" has a place of its own beside those that are counted by name.
    if (name.n > 0 && t->count >= t->max)
        return find_or_add(t, STR(""));
    return add(t, name, hash);
}

void tally_init(struct tally *t, unsigned max)
{
    *t = (struct tally){ .max = max };
    pthread_mutex_init(&t->mutex, NULL);
}

void tally_done(struct tally *t)
{
    for (unsigned i = 0; i < t->count; i++)
        free(t->list[i]);
    free(t->list);
    table_done(&t->by_name);
    pthread_mutex_destroy(&t->mutex);
}

struct tally *tally_process(void)
{
    static struct tally process = {
        .mutex = PTHREAD_MUTEX_INITIALIZER, .max = TALLY_SERVICES_MAX,
    };
    return &process;
}

void tally_count(struct tally *t, struct str service, const struct verdict *verdict)
{
    pthread_mutex_lock(&t->mutex);
    struct tally_record *r = find_or_add(t, shortened(service));
    r->counts[verdict->mode - POLICY_VERIFY][verdict->code]++;
    pthread_mutex_unlock(&t->mutex);
}

bool tally_at(struct tally *t, unsigned index, struct tally_record *out)
{
    pthread_mutex_lock(&t->mutex);
    const bool found = index < t->count;
    if (found)
        *out = *t->list[index];
    pthread_mutex_unlock(&t->mutex);
    return found;
}
