// bounds.c - time, memory and C stack of plugins' Lua.

#include "vm/bounds.h"

#include "vm/abi.h"
#include "vm/state.h"

#include <assert.h>
#include <luajit.h>
#include <pthread.h>
#include <time.h>

// What C functions may need between two checks: LuaJIT counts no nesting of string.gsub's callbacks
// and of coroutines, and a level of the former takes 8 KiB for a buffer.
enum { STACK_RESERVE = 3 << 20 };

// -- memory ---------------------------------------------------------------------------------------

static void *allocate(void *arg, void *p, size_t before, size_t n)
{
    struct bounds *b = arg;
    if (b->on && b->limit > 0 && n > before && b->used + (n - before) > b->limit * 2) {
        b->exceeded = true;
        return NULL;
    }
    void *moved = b->allocate(b->allocate_arg, p, before, n);
    if (moved || n == 0)
        b->used += n - before;
    return moved;
}

void bounds_open(struct bounds *b, lua_State *L)
{
    b->allocate = lua_getallocf(L, &b->allocate_arg);
    b->used = (size_t)lua_gc(L, LUA_GCCOUNT, 0) * 1024 + (size_t)lua_gc(L, LUA_GCCOUNTB, 0);
    lua_setallocf(L, allocate, b);
}

void bounds_close(struct bounds *b, lua_State *L)
{
    lua_setallocf(L, b->allocate, b->allocate_arg);
}

// What is left for a phase would be used up by the next, and collected for by each.
static bool keeps_too_much(const struct bounds *b)
{
    return b->limit > 0 && b->used > b->limit / 8 * 7;
}

// Garbage is looked for at three quarters of the limit, then at half of what is left each time:
// often enough to be in time, and not at every check when all of it is in use.
static enum bounds_verdict check_memory(struct bounds *b)
{
    if (b->limit == 0 || !b->on)
        return BOUNDS_OK;
    if (b->used > b->limit && b->spent)
        return BOUNDS_SPENT;
    if (b->used > b->limit) {
        b->exceeded = true;
        return BOUNDS_MEMORY;
    }
    const size_t first = b->limit / 4 * 3;
    if (b->used < first)
        b->collect_at = first;
    if (b->used < first || b->used < b->collect_at)
        return BOUNDS_OK;
    b->collect_at = b->used + (b->limit - b->used) / 2;
    return BOUNDS_COLLECT;
}

// -- time -----------------------------------------------------------------------------------------

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// The clock is first read at an entry's first check, so that short entries do without.
static bool overdue(const struct bounds *b)
{
    if (b->time_limit == 0 || !b->on)
        return false;
    const uint64_t now = now_ms();
    if (turn.since == 0)
        turn.since = now;
    return now - turn.since >= b->time_limit;
}

// -- the C stack ----------------------------------------------------------------------------------

// Below this address the reserve begins; NULL when the system does not say where the stack lies.
// The first thread's may be small.
static const char *reserve_begin(void)
{
    pthread_attr_t attributes;
    void *end = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return NULL;
    if (pthread_attr_getstack(&attributes, &end, &size) != 0)
        end = NULL;
    pthread_attr_destroy(&attributes);
    return end ? (const char *)end + (size / 2 < STACK_RESERVE ? size / 2 : STACK_RESERVE) : NULL;
}

static bool stack_low(void)
{
    static _Thread_local const char *reserve;
    if (!reserve)
        reserve = reserve_begin();
    return (const char *)__builtin_frame_address(0) < reserve;
}

// -- all of it ------------------------------------------------------------------------------------

void bounds_set(struct bounds *b, uint32_t time_limit, size_t memory_limit)
{
    b->time_limit = time_limit;
    b->limit = memory_limit;
    b->full = b->spent = false;
}

bool bounds_switch(struct bounds *b, bool on)
{
    const bool before = b->on;
    b->on = on;
    if (on)
        turn.since = 0;
    return before;
}

// Compiled code holds the closures that it was made for, and what these hold.
static void collect(lua_State *L)
{
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_FLUSH);
    lua_gc(L, LUA_GCCOLLECT, 0);
}

void bounds_leave(struct bounds *b, lua_State *L)
{
    b->on = false;
    if (!b->exceeded)
        return;
    b->exceeded = false;
    collect(L);
    b->full = keeps_too_much(b);
}

bool bounds_spent(struct bounds *b, lua_State *L)
{
    if (!b->full)
        return false;
    if (!b->spent)
        collect(L);
    b->full = b->spent = keeps_too_much(b);
    return b->spent;
}

enum bounds_verdict bounds_check(struct bounds *b)
{
    if (overdue(b))
        return BOUNDS_TIME;
    if (stack_low())
        return BOUNDS_STACK;
    return check_memory(b);
}

// -- the ABI --------------------------------------------------------------------------------------

static_assert((int)BOUNDS_TIME == (int)WEIR_BOUNDS_TIME, "the ABI has the same numbers");
static_assert((int)BOUNDS_STACK == (int)WEIR_BOUNDS_STACK, "the ABI has the same numbers");
static_assert((int)BOUNDS_SPENT == (int)WEIR_BOUNDS_SPENT, "the ABI has the same numbers");
static_assert((int)BOUNDS_MEMORY == (int)WEIR_BOUNDS_MEMORY, "the ABI has the same numbers");
static_assert((int)BOUNDS_COLLECT == (int)WEIR_BOUNDS_COLLECT, "the ABI has the same numbers");

int weir_bounds_check(void)
{
    return turn.vm ? (int)bounds_check(&turn.vm->bounds) : BOUNDS_OK;
}

int weir_bounds_switch(int on)
{
    return turn.vm && bounds_switch(&turn.vm->bounds, on != 0);
}

void weir_bounds_set(uint32_t time_ms, uint64_t memory)
{
    if (turn.vm)
        bounds_set(&turn.vm->bounds, time_ms, (size_t)memory);
}

uint64_t weir_bounds_used(void)
{
    return turn.vm ? turn.vm->bounds.used : 0;
}
