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

// self() -> the number of the coroutine that waits when the caller does, and that of its next park
static int thread_self(lua_State *L)
{
    struct coroutine *c = wait_allowed(L);
    lua_pushinteger(L, number_of(L, c->scope->vm, c));
    lua_pushnumber(L, (lua_Number)c->parks);
    return 2;
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
    c->parks++;
    if (!lua_isnoneornil(L, 1)) {
        const lua_Number seconds = luaL_checknumber(L, 1);
        luaL_argcheck(L, seconds >= 0 && seconds <= longest, 1, "not a time to sleep");
        c->alarm = alarm_set(wait_loop(c->scope->vm), (uint64_t)(seconds * 1000), over, c);
    }
    return wait_yield(L, c, &parked);
}

// The coroutine that waits to be woken, by its number and the park's: it may wait for something
// else by now. NULL: there is none.
static struct coroutine *find_parked(lua_State *L)
{
    struct coroutine *c = find(L, turn.vm, (int)luaL_checkinteger(L, 1));
    const bool is_parked = c && c->wait == &parked && !c->woken;
    return is_parked && (lua_Number)c->parks == luaL_checknumber(L, 2) + 1 ? c : NULL;
}

// parked(number, park) -> whether it waits to be woken
static int thread_parked(lua_State *L)
{
    lua_pushboolean(L, find_parked(L) != NULL);
    return 1;
}

// wake(number, park) -> whether it is parked; it goes on in the loop's next turn
static int thread_wake(lua_State *L)
{
    struct coroutine *c = find_parked(L);
    if (c) {
        coroutine_unalarm(c);
        c->woken = true;
        c->alarm = alarm_set(wait_loop(turn.vm), 0, over, c);
    }
    lua_pushboolean(L, c != NULL);
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

// kill(number) -> whether it is a light thread of the caller's scope that waits
static int thread_kill(lua_State *L)
{
    struct coroutine *c = find(L, turn.vm, (int)luaL_checkinteger(L, 1));
    const bool found = c && c->scope == turn.scope && !list_empty(&c->node) && c->wait;
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
