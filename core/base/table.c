// table.c - linear probing over a power of two of slots.
//
// A value sits at or after its home slot (hash & mask) with no free slot in between; removal shifts
// the followers back to keep that so, which is why no tombstones are needed.

#include "base/table.h"

#include "base/mem.h"

#include <stdlib.h>
#include <xxhash.h>

enum { TABLE_MIN = 8 };

void table_done(struct table *t)
{
    free(t->slots);
    *t = (struct table){ 0 };
}

void *table_get(const struct table *t, uint64_t hash, table_eq eq, const void *key)
{
    if (!t->slots)
        return NULL;
    for (size_t i = hash & t->mask; t->slots[i].value; i = (i + 1) & t->mask)
        if (t->slots[i].hash == hash && eq(t->slots[i].value, key))
            return t->slots[i].value;
    return NULL;
}

static void place(struct table *t, struct table_slot slot)
{
    size_t i = slot.hash & t->mask;
    while (t->slots[i].value)
        i = (i + 1) & t->mask;
    t->slots[i] = slot;
}

static void grow(struct table *t)
{
    const struct table old = *t;
    const size_t old_size = old.slots ? old.mask + 1 : 0;
    const size_t size = old_size ? 2 * old_size : TABLE_MIN;
    t->slots = xcalloc(size, sizeof *t->slots);
    t->mask = size - 1;
    for (size_t i = 0; i < old_size; i++)
        if (old.slots[i].value)
            place(t, old.slots[i]);
    free(old.slots);
}

void table_put(struct table *t, uint64_t hash, void *value)
{
    const size_t size = t->slots ? t->mask + 1 : 0;
    if (4 * (t->count + 1) > 3 * size)
        grow(t);
    place(t, (struct table_slot){ hash, value });
    t->count++;
}

// Frees slot `hole`: whatever follows it and would not be found past the gap moves into it, and
// leaves the next gap.
static void close_gap(struct table *t, size_t hole)
{
    for (size_t i = (hole + 1) & t->mask; t->slots[i].value; i = (i + 1) & t->mask) {
        const size_t from_home = (i - t->slots[i].hash) & t->mask;
        const size_t from_hole = (i - hole) & t->mask;
        if (from_home >= from_hole) {
            t->slots[hole] = t->slots[i];
            hole = i;
        }
    }
    t->slots[hole] = (struct table_slot){ 0 };
}

bool table_remove(struct table *t, uint64_t hash, const void *value)
{
    if (!t->slots)
        return false;
    for (size_t i = hash & t->mask; t->slots[i].value; i = (i + 1) & t->mask) {
        if (t->slots[i].value == value) {
            close_gap(t, i);
            t->count--;
            return true;
        }
    }
    return false;
}

void *table_next(const struct table *t, size_t *pos)
{
    const size_t size = t->slots ? t->mask + 1 : 0;
    while (*pos < size) {
        void *value = t->slots[(*pos)++].value;
        if (value)
            return value;
    }
    return NULL;
}

uint64_t table_hash(const void *p, size_t n)
{
    return XXH3_64bits(n > 0 ? p : "", n);
}

uint64_t table_hash_nocase(struct str s)
{
    char name[256];
    name[0] = '\0';
    char *lower = s.n <= sizeof name ? name : xmalloc(s.n);
    for (size_t i = 0; i < s.n; i++)
        lower[i] = str_lower_char(s.p[i]);
    const uint64_t hash = table_hash(lower, s.n);
    if (lower != name)
        free(lower);
    return hash;
}
