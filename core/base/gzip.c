#include "base/gzip.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/mem.h"

struct gzip {
    z_stream z;
    enum gzip_way way;
    struct str rest;            // input that zlib does not have yet: its lengths are of 32 bits
    enum gzip_state state;
    const char *problem;
};

enum {
    WINDOW = 15,                // bits, the most there are
    GZIP_FRAME = 16,            // added to them: gzip's frame
    ANY_FRAME = 32,             // or: gzip's or zlib's
    MEMORY_LEVEL = 8,           // zlib's default
};

static void *allocate(void *arg, unsigned count, unsigned size)
{
    (void)arg;
    return xcalloc(count, size);
}

static void release(void *arg, void *p)
{
    (void)arg;
    free(p);
}

static int begin(struct gzip *g)
{
    g->z.zalloc = allocate;
    g->z.zfree = release;
    if (g->way == GZIP_INFLATE)
        return inflateInit2(&g->z, WINDOW + ANY_FRAME);
    return deflateInit2(&g->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW + GZIP_FRAME, MEMORY_LEVEL,
                        Z_DEFAULT_STRATEGY);
}

struct gzip *gzip_new(enum gzip_way way, struct str input)
{
    struct gzip *g = xcalloc(1, sizeof *g);
    g->way = way;
    g->rest = input;
    if (begin(g) == Z_OK)
        return g;
    free(g);
    return NULL;
}

void gzip_free(struct gzip *g)
{
    if (!g)
        return;
    if (g->way == GZIP_INFLATE)
        inflateEnd(&g->z);
    else
        deflateEnd(&g->z);
    free(g);
}

static unsigned at_most(size_t n)
{
    return n < UINT_MAX ? (unsigned)n : UINT_MAX;
}

static void feed(struct gzip *g)
{
    if (g->z.avail_in > 0 || g->rest.n == 0)
        return;
    unsigned n = at_most(g->rest.n);
    g->z.next_in = (unsigned char *)(uintptr_t)g->rest.p;
    g->z.avail_in = n;
    g->rest.p += n;
    g->rest.n -= n;
}

static void break_off(struct gzip *g, const char *problem)
{
    g->state = GZIP_BROKEN;
    g->problem = problem;
}

// A member has ended: the input has, too, or begins another one.
static void member_ended(struct gzip *g)
{
    feed(g);
    if (g->z.avail_in == 0)
        g->state = GZIP_END;
    else if (inflateReset(&g->z) != Z_OK)
        break_off(g, "cannot begin another member");
}

static void inflate_some(struct gzip *g)
{
    int result = inflate(&g->z, Z_NO_FLUSH);
    if (result == Z_STREAM_END)
        member_ended(g);
    else if (result == Z_NEED_DICT)
        break_off(g, "it needs a dictionary");
    else if (result != Z_OK && result != Z_BUF_ERROR)
        break_off(g, g->z.msg ? g->z.msg : "not gzip");
    else if (g->z.avail_out > 0 && g->z.avail_in == 0 && g->rest.n == 0)
        break_off(g, "it ends too early");
}

static void deflate_some(struct gzip *g)
{
    int result = deflate(&g->z, g->rest.n == 0 ? Z_FINISH : Z_NO_FLUSH);
    if (result == Z_STREAM_END)
        g->state = GZIP_END;
    else if (result != Z_OK && result != Z_BUF_ERROR)
        break_off(g, g->z.msg ? g->z.msg : "cannot be compressed");
}

enum gzip_state gzip_take(struct gzip *g, char *out, size_t len, size_t *n)
{
    unsigned room = at_most(len);
    g->z.next_out = (unsigned char *)out;
    g->z.avail_out = room;
    while (g->state == GZIP_MORE && g->z.avail_out > 0) {
        feed(g);
        if (g->way == GZIP_INFLATE)
            inflate_some(g);
        else
            deflate_some(g);
    }
    *n = room - g->z.avail_out;
    return g->state;
}

const char *gzip_problem(const struct gzip *g)
{
    return g->problem;
}

const char *gzip_version(void)
{
    return zlibVersion();
}
