// A queue of bytes in chunks: what could not be written yet, or was read before it was wanted.
//
// Owner: the struct that embeds it; chunks come from the worker's `struct buf_pool` and go back
// there, so a connection that keeps up owns no buffer at all. Threads: those of the worker.

#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <sys/uio.h>

enum { BUF_CHUNK = 16 * 1024 };

struct buf_chunk;

struct buf_pool {
    struct buf_chunk *free;
    size_t count;   // free chunks kept
    size_t in_use;  // chunks now owned by buffers, for the memory counters
};

// All zero (plus a pool) is a valid empty queue.
struct buf {
    struct buf_chunk *head, *tail;
    size_t len;               // bytes queued
    struct buf_pool *pool;
};

void buf_pool_init(struct buf_pool *pool);
void buf_pool_done(struct buf_pool *pool);

void buf_init(struct buf *b, struct buf_pool *pool);
void buf_clear(struct buf *b);                              // gives all chunks back
void buf_append(struct buf *b, const char *p, size_t n);    // copies
struct str buf_front(const struct buf *b);                  // the first piece; n == 0 when empty
struct str buf_at(const struct buf *b, size_t offset);      // the piece that begins at offset < len
// All of it in one piece: as it lies where it does, else copied.
struct str buf_text(const struct buf *b, struct arena *a);
void buf_consume(struct buf *b, size_t n);                  // drops n <= len bytes from the front

// Fills at most `max` iovecs from the front; returns how many.
int buf_iov(const struct buf *b, struct iovec *iov, int max);
