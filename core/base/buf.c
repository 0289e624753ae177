// buf.c - the chunk list behind a queue of bytes.
//
//   head -> [ ..from==bytes==to ] -> [ from==bytes==to ] -> tail [ from==bytes==to.. ]

#include "base/buf.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

enum { BUF_POOL_MAX = 64 };

struct buf_chunk {
    struct buf_chunk *next;
    size_t from, to;   // the bytes queued: bytes[from] .. bytes[to - 1]
    char bytes[BUF_CHUNK];
};

void buf_pool_init(struct buf_pool *pool)
{
    *pool = (struct buf_pool){ 0 };
}

void buf_pool_done(struct buf_pool *pool)
{
    assert(pool->in_use == 0);
    while (pool->free) {
        struct buf_chunk *chunk = pool->free;
        pool->free = chunk->next;
        free(chunk);
    }
    pool->count = 0;
}

static struct buf_chunk *chunk_take(struct buf_pool *pool)
{
    struct buf_chunk *chunk = pool->free;
    if (chunk) {
        pool->free = chunk->next;
        pool->count--;
    } else {
        chunk = xmalloc(sizeof *chunk);
    }
    pool->in_use++;
    chunk->next = NULL;
    chunk->from = chunk->to = 0;
    return chunk;
}

static void chunk_give(struct buf_pool *pool, struct buf_chunk *chunk)
{
    pool->in_use--;
    if (pool->count >= BUF_POOL_MAX) {
        free(chunk);
        return;
    }
    chunk->next = pool->free;
    pool->free = chunk;
    pool->count++;
}

void buf_init(struct buf *b, struct buf_pool *pool)
{
    *b = (struct buf){ .pool = pool };
}

static void drop_head(struct buf *b)
{
    struct buf_chunk *chunk = b->head;
    b->head = chunk->next;
    if (!b->head)
        b->tail = NULL;
    chunk_give(b->pool, chunk);
}

void buf_clear(struct buf *b)
{
    while (b->head)
        drop_head(b);
    b->len = 0;
}

void buf_append(struct buf *b, const char *p, size_t n)
{
    b->len += n;
    while (n > 0) {
        if (!b->tail || b->tail->to == BUF_CHUNK) {
            struct buf_chunk *chunk = chunk_take(b->pool);
            if (b->tail)
                b->tail->next = chunk;
            else
                b->head = chunk;
            b->tail = chunk;
        }
        const size_t room = BUF_CHUNK - b->tail->to;
        const size_t part = n < room ? n : room;
        memcpy(b->tail->bytes + b->tail->to, p, part);
        b->tail->to += part;
        p += part;
        n -= part;
    }
}

struct str buf_front(const struct buf *b)
{
    if (!b->head)
        return STR_NONE;
    return (struct str){ b->head->bytes + b->head->from, b->head->to - b->head->from };
}

struct str buf_at(const struct buf *b, size_t offset)
{
    assert(offset < b->len);
    const struct buf_chunk *chunk = b->head;
    for (; offset >= chunk->to - chunk->from; chunk = chunk->next)
        offset -= chunk->to - chunk->from;
    return (struct str){ chunk->bytes + chunk->from + offset, chunk->to - chunk->from - offset };
}

struct str buf_text(const struct buf *b, struct arena *a)
{
    const struct str front = buf_front(b);
    if (front.n == b->len)
        return front;
    char *bytes = arena_alloc(a, b->len), *end = bytes;
    for (const struct buf_chunk *chunk = b->head; chunk; chunk = chunk->next) {
        memcpy(end, chunk->bytes + chunk->from, chunk->to - chunk->from);
        end += chunk->to - chunk->from;
    }
    return (struct str){ bytes, b->len };
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->len);
    b->len -= n;
    while (n > 0) {
        const size_t have = b->head->to - b->head->from;
        if (n < have) {
            b->head->from += n;
            return;
        }
        n -= have;
        drop_head(b);
    }
}

int buf_iov(const struct buf *b, struct iovec *iov, int max)
{
    int count = 0;
    for (struct buf_chunk *chunk = b->head; chunk && count < max; chunk = chunk->next)
        iov[count++] = (struct iovec){ chunk->bytes + chunk->from, chunk->to - chunk->from };
    return count;
}
