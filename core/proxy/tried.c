// tried.c - what is kept of each try.

#include "proxy/tried.h"

#include "proxy/exchange.h"
#include "proxy/request.h"

#include <time.h>

enum { FIRST_ROOM = 2 };

static bool is_wanted(const struct request *r)
{
    return r->plan->phases != 0;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void tried_begin(struct request *r)
{
    if (is_wanted(r))
        r->tried.began = now_ns();
}

static void make_room(struct request *r)
{
    struct tried_list *t = &r->tried;
    if (t->count < t->room)
        return;
    t->room = t->room ? 2 * t->room : FIRST_ROOM;
    struct tried *list = arena_alloc(&r->arena, t->room * sizeof *list);
    if (t->count > 0)
        memcpy(list, t->list, t->count * sizeof *list);
    t->list = list;
}

void tried_connect(struct request *r)
{
    struct tried_list *t = &r->tried;
    if (!is_wanted(r))
        return;
    make_room(r);
    t->list[t->count++] = (struct tried){
        .addr = r->upstream_addr, .began = t->began, .chosen_in = now_ns() - t->began,
    };
}

// The one that goes on, NULL when none is kept.
static struct tried *current(struct request *r)
{
    struct tried_list *t = &r->tried;
    return t->count > 0 ? &t->list[t->count - 1] : NULL;
}

void tried_judged(struct request *r, const struct verdict *v)
{
    struct tried *t = current(r);
    if (!t || !v)
        return;
    struct verdict *copy = arena_alloc(&r->arena, sizeof *copy);
    *copy = *v;
    t->verdict = copy;
}

const struct verdict *tried_verdict(const struct request *r, uint32_t index)
{
    const struct tried_list *t = &r->tried;
    if (index >= t->count)
        return NULL;
    const bool goes_on = r->exchange && index == t->count - 1;
    return goes_on ? exchange_describe(r->exchange) : t->list[index].verdict;
}

void tried_failed(struct request *r, err_t err)
{
    struct tried *t = current(r);
    if (t)
        t->failure = err;
}
