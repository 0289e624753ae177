// Bump allocator: everything that one request (or one snapshot) derives lives in it and is freed at
// once.
//
// Owner: the struct that embeds it. Threads: one at a time. Chunks come from a `struct arena_pool`,
// one per worker, which keeps a few for the next request; a NULL pool means plain malloc
// (snapshots). Never returns NULL (base/mem.h); callers bound what comes from the network.

#pragma once

#include "base/str.h"

#include <stdarg.h>

struct arena_chunk;

struct arena_pool {
    struct arena_chunk *free;
    size_t count;   // free chunks kept
};

struct arena {
    char *at, *end;             // free part of the current chunk
    struct arena_chunk *chunks; // the current one first; an oversized one is never pooled
    struct arena_pool *pool;
    size_t used;                // bytes handed out since init/reset
};

void arena_pool_init(struct arena_pool *pool);
void arena_pool_done(struct arena_pool *pool);

void arena_init(struct arena *a, struct arena_pool *pool);
void arena_reset(struct arena *a);   // frees all; the arena may be used again
void arena_done(struct arena *a);

void *arena_alloc_slow(struct arena *a, size_t n) __attribute__((returns_nonnull));

// n bytes aligned to 8, not zeroed.
static inline void *arena_alloc(struct arena *a, size_t n)
{
    size_t need = (n + 7) & ~(size_t)7;
    if (need > (size_t)(a->end - a->at))
        return arena_alloc_slow(a, need);
    void *p = a->at;
    a->at += need;
    a->used += need;
    return p;
}

static inline void *arena_zalloc(struct arena *a, size_t n)
{
    return memset(arena_alloc(a, n), 0, n);
}

#define arena_new(a, type) ((type *)arena_zalloc((a), sizeof(type)))

// A copy, with a NUL after it that the slice does not count.
static inline struct str arena_dup(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1);
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct str){ p, s.n };
}

// Appends `more` to `s`, in place when `s` was the last allocation and there is room; else moves it
// (the old bytes stay as they are). `s` is as it was handed out, not a part of something else. No
// NUL follows the result.
struct str arena_append(struct arena *a, struct str s, struct str more);

// Formats; a NUL follows that the slice does not count.
struct str arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
