// Slices that leave together: what one callback produces for a connection goes out in one write at
// its end.
//
// Owner: the struct that embeds it. Threads: the worker's. The slices' bytes must stay until
// gather_flush(), which every path that ends a callback, or frees what they point to, calls.

#pragma once

#include "http/h1.h"
#include "net/conn.h"

enum { GATHER_SLICES = 32 };

struct gather {
    struct str slice[GATHER_SLICES];
    int count;
    char line[GATHER_SLICES / 4][H1_CHUNK_LINE];    // chunk size lines
    unsigned lines;
};

static inline void gather_flush(struct gather *g, struct conn *c)
{
    if (g->count > 0)
        conn_write(c, g->slice, g->count);
    g->count = 0;
    g->lines = 0;
}

static inline void gather_add(struct gather *g, struct conn *c, struct str s)
{
    if (s.n == 0)
        return;
    if (g->count == GATHER_SLICES)
        gather_flush(g, c);
    g->slice[g->count++] = s;
}

// Adds a piece of a body in chunked coding.
static inline void gather_chunk(struct gather *g, struct conn *c, struct str piece)
{
    if (piece.n == 0)
        return;
    if (g->lines == ARRAY_LEN(g->line) || g->count + 3 > GATHER_SLICES)
        gather_flush(g, c);
    struct str line = h1_chunk_line(piece.n, g->line[g->lines++]);
    gather_add(g, c, line);
    gather_add(g, c, piece);
    gather_add(g, c, STR("\r\n"));
}
