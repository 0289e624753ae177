// arena.c - chunks of an arena, and the few that a worker keeps between requests.
//
//   arena.chunks -> [ header | used ........ at | free ... end ] -> [ header | full ] -> ...
//
// Only the first chunk is bumped. A request for more than fits a standard chunk gets a chunk of its
// own, filed behind the first, so that one large body does not waste what is left of the current
// one.

#include "base/arena.h"

#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

// A request takes two or three chunks, so the pool serves about a hundred at a time.
enum { ARENA_CHUNK = 4096, ARENA_POOL_MAX = 256 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;   // of `bytes`
    _Alignas(8) char bytes[];
};

enum { ARENA_ROOM = ARENA_CHUNK - sizeof(struct arena_chunk) };

static_assert(ARENA_ROOM % 8 == 0, "the end of a chunk must stay aligned");

void arena_pool_init(struct arena_pool *pool)
{
    *pool = (struct arena_pool){ 0 };
}

void arena_pool_done(struct arena_pool *pool)
{
    while (pool->free) {
        struct arena_chunk *chunk = pool->free;
        pool->free = chunk->next;
        free(chunk);
    }
    pool->count = 0;
}

static struct arena_chunk *chunk_take(struct arena_pool *pool, size_t size)
{
    if (size == ARENA_ROOM && pool && pool->free) {
        struct arena_chunk *chunk = pool->free;
        pool->free = chunk->next;
        pool->count--;
        return chunk;
    }
    struct arena_chunk *chunk = xmalloc(sizeof *chunk + size);
    chunk->size = size;
    return chunk;
}

static void chunk_give(struct arena_pool *pool, struct arena_chunk *chunk)
{
    if (!pool || chunk->size != ARENA_ROOM || pool->count >= ARENA_POOL_MAX) {
        free(chunk);
        return;
    }
    chunk->next = pool->free;
    pool->free = chunk;
    pool->count++;
}

void arena_init(struct arena *a, struct arena_pool *pool)
{
    *a = (struct arena){ .pool = pool };
}

void arena_reset(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *chunk = a->chunks;
        a->chunks = chunk->next;
        chunk_give(a->pool, chunk);
    }
    arena_init(a, a->pool);
}

void arena_done(struct arena *a)
{
    arena_reset(a);
}

// Makes a new chunk of at least `size` bytes the one that is bumped.
static void open_chunk(struct arena *a, size_t size)
{
    struct arena_chunk *chunk = chunk_take(a->pool, size > ARENA_ROOM ? size : ARENA_ROOM);
    chunk->next = a->chunks;
    a->chunks = chunk;
    a->at = chunk->bytes;
    a->end = chunk->bytes + chunk->size;
}

void *arena_alloc_slow(struct arena *a, size_t n)
{
    if (n > ARENA_ROOM && a->chunks) {
        struct arena_chunk *own = chunk_take(a->pool, n);
        own->next = a->chunks->next;
        a->chunks->next = own;
        a->used += n;
        return own->bytes;
    }
    open_chunk(a, n);
    return arena_alloc(a, n);
}

static bool grow_in_place(struct arena *a, struct str s, size_t more)
{
    // Only padding may lie between the slice and the free part, and it must be of the current
    // chunk.
    if (s.n == 0 || s.p < (a->chunks ? a->chunks->bytes : NULL) || s.p + s.n > a->at ||
        a->at - (s.p + s.n) >= 8)
        return false;
    const size_t padding = (size_t)(a->at - (s.p + s.n));
    if (more > padding + (size_t)(a->end - a->at))
        return false;
    if (more > padding)
        (void)arena_alloc(a, more - padding);
    return true;
}

struct str arena_append(struct arena *a, struct str s, struct str more)
{
    if (more.n == 0)
        return s;
    const size_t n = s.n + more.n;
    if (!grow_in_place(a, s, more.n)) {
        // Twice the room, so that a string built piece by piece is copied a logarithmic number of
        // times.
        if (n > (size_t)(a->end - a->at))
            open_chunk(a, (2 * n + 7) & ~(size_t)7);
        char *moved = arena_alloc(a, n);
        if (s.n > 0)
            memcpy(moved, s.p, s.n);
        s.p = moved;
    }
    memcpy((char *)s.p + s.n, more.p, more.n);
    return (struct str){ s.p, n };
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const size_t room = (size_t)(a->end - a->at);
    const int len = vsnprintf(a->at, room, format, args);
    va_end(args);
    assert(len >= 0);
    const size_t n = (size_t)len;
    char *p = arena_alloc(a, n + 1);
    if (n + 1 > room)
        (void)vsnprintf(p, n + 1, format, again);
    va_end(again);
    return (struct str){ p, n };
}
