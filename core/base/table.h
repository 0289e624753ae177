// Open-addressing hash table from a 64-bit hash to a pointer; equality is the caller's.
//
// For intern tables, hosts and peers: keys live inside the values. Owner: the struct that embeds
// it. Threads: those of the owner. Grows at 3/4 full; removal leaves no tombstones (backward
// shift).

#pragma once

#include "base/str.h"

struct table_slot {
    uint64_t hash;
    void *value;   // NULL: free slot
};

// All zero is a valid empty table.
struct table {
    struct table_slot *slots;
    size_t mask;    // slot count - 1, 0 when nothing is allocated
    size_t count;
};

typedef bool (*table_eq)(const void *value, const void *key);

void table_done(struct table *t);

// The value whose hash is `hash` and for which eq(value, key) holds, or NULL.
void *table_get(const struct table *t, uint64_t hash, table_eq eq, const void *key);

// Adds a value that is not there yet.
void table_put(struct table *t, uint64_t hash, void *value);

// Removes this very value; returns whether it was there.
bool table_remove(struct table *t, uint64_t hash, const void *value);

// Iterates: start with *pos = 0; NULL at the end. The table must not change meanwhile.
void *table_next(const struct table *t, size_t *pos);

// xxh3, 64 bit.
uint64_t table_hash(const void *p, size_t n);
uint64_t table_hash_nocase(struct str s);   // over the lower-cased bytes
