// thread.c - light threads, and coroutines that park until somebody wakes them: what
// lua/weir/ngx/thread.lua and semaphore.lua are made of.
//
// Lua names coroutines by numbers, which it may keep for longer than they live.

#include "base/mem.h"
#include "vm/state.h"

#include <lauxlib.h>
#include <limits.h>

// -- numbers --------------------------------------------------------------------------------------

// Pushes the table of them.
static void push_numbered(lua_State *L, struct vm *vm)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->numbered);
}

static int number_of(lua_State *L, struct vm *vm, struct coroutine *c)
{
    if (c->number == 0) {
        c->number = vm->last_number = vm->last_number == INT_MAX ? 1 : vm->last_number + 1;
        push_numbered(L, vm);
        lua_pushlightuserdata(L, c);
        lua_rawseti(L, -2, c->number);
        lua_pop(L, 1);
    }
    return c->number;
}

static struct coroutine *find(lua_State *L, struct vm *vm, int number)
{
    push_numbered(L, vm);
    lua_rawgeti(L, -1, number);
    struct coroutine *c = lua_touserdata(L, -1);
    lua_pop(L, 2);
    return c;
}

void thread_forget(struct vm *vm, struct coroutine *c)
{
    if (c->number == 0)
        return;
    push_numbered(vm->L, vm);
    lua_pushnil(vm->L);
    lua_rawseti(vm->L, -2, c->number);
    lua_pop(vm->L, 1);
    c->number = 0;
}

// self() -> the number of the coroutine that waits when the caller does
static int thread_self(lua_State *L)
{
    struct coroutine *c = wait_allowed(L);
    lua_pushinteger(L, number_of(L, c->scope->vm, c));
    return 1;
}

// -- parking --------------------------------------------------------------------------------------

static void over(void *arg)
{
    struct coroutine *c = arg;
    c->alarm = NULL;
    scope_wake(c);
}

static int parked_results(struct coroutine *c)
{
    lua_pushboolean(c->L, c->woken);
    return 1;
}

static const struct wait parked = { parked_results, coroutine_unalarm };

// park(seconds) -> whether somebody woke it; without a time it waits for that
static int thread_park(lua_State *L)
{
    static const lua_Number longest = 24 * 24 * 3600;   // s
    struct coroutine *c = wait_allowed(L);
    c->woken = false;
    if (!lua_isnoneornil(L, 1)) {
        const lua_Number seconds = luaL_checknumber(L, 1);
        luaL_argcheck(L, seconds >= 0 && seconds <= longest, 1, "not a time to sleep");
        c->alarm = alarm_set(wait_loop(c->scope->vm), (uint64_t)(seconds * 1000), over, c);
    }
    return wait_yield(L, c, &parked);
}

static bool is_parked(const struct coroutine *c)
{
    return c && c->wait == &parked && !c->woken;
}

// parked(number) -> whether it waits to be woken
static int thread_parked(lua_State *L)
{
    lua_pushboolean(L, is_parked(find(L, turn.vm, (int)luaL_checkinteger(L, 1))));
    return 1;
}

// wake(number) -> whether it is parked; it goes on in the loop's next turn
static int thread_wake(lua_State *L)
{
    struct coroutine *c = find(L, turn.vm, (int)luaL_checkinteger(L, 1));
    const bool found = is_parked(c);
    if (found) {
        coroutine_unalarm(c);
        c->woken = true;
        c->alarm = alarm_set(wait_loop(turn.vm), 0, over, c);
    }
    lua_pushboolean(L, found);
    return 1;
}

// -- light threads --------------------------------------------------------------------------------

// spawn(function, ...) -> the thread's number, after it has run until it waits or ends
static int thread_spawn(lua_State *L)
{
    struct coroutine *spawner = wait_allowed(L);
    luaL_checktype(L, 1, LUA_TFUNCTION);
    struct scope *s = spawner->scope;
    struct coroutine *c = coroutine_take(s);
    list_push_tail(&s->threads, &c->node);
    const int number = number_of(L, s->vm, c);
    const int arguments = lua_gettop(L) - 1;
    lua_xmove(L, c->L, arguments + 1);
    scope_enter(c, arguments);
    if (s->exits)
        return wait_exit(L, spawner);
    lua_pushinteger(L, number);
    return 1;
}

// kill(number) -> whether there is one that waits
static int thread_kill(lua_State *L)
{
    struct coroutine *c = find(L, turn.vm, (int)luaL_checkinteger(L, 1));
    const bool found = c && c->wait;
    if (found)
        coroutine_drop(c);
    lua_pushboolean(L, found);
    return 1;
}

const luaL_Reg thread_functions[] = {
    {"self", thread_self},
    {"park", thread_park},
    {"parked", thread_parked},
    {"wake", thread_wake},
    {"spawn", thread_spawn},
    {"kill", thread_kill},
    {NULL, NULL},
};
