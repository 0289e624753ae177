// wait.c - the functions of Lua that wait, module weir.wait.core: body(), sleep(seconds), exit().
//
// They yield the phase's coroutine; hooks.c sees why in c->pause. request_resume() brings the phase
// back, with what wait_results() puts on the stack as the function's results.

#include "proxy/request.h"
#include "vm/api.h"
#include "vm/state.h"

#include <lauxlib.h>

static const lua_Number sleep_max = 24 * 3600; // s

// The phase's coroutine, if it is the one that asks and the phase is one that may; else an error
// for the plugin.
static struct coroutine *yielding(lua_State *L, unsigned phases, const char *refusal)
{
    if (!api_request(phases))
        luaL_error(L, refusal);
    struct coroutine *c = turn.vm->running;
    if (c->L != L)
        luaL_error(L, "a coroutine of a plugin's own cannot wait or exit; do it outside of it");
    return c;
}

static struct coroutine *waiting(lua_State *L)
{
    return yielding(L, API_WAITING, "only rewrite, access and response can wait");
}

static int give_body(lua_State *L, int state, struct str body)
{
    if (state == 1) {
        lua_pushlstring(L, body.n ? body.p : "", body.n);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, weir_error());
    return 2;
}

// body() -> string | nil, why it cannot be had
static int wait_body(lua_State *L)
{
    struct coroutine *c = waiting(L);
    struct str body;
    int state = api_body(turn.request, &body);
    if (state != 0)
        return give_body(L, state, body);
    c->pause = PAUSE_BODY;
    return lua_yield(L, 0);
}

static void awake(struct timer *t)
{
    request_resume(container_of(t, struct coroutine, timer)->request);
}

// sleep(seconds); as exact as the loop's wheel, never too short
static int wait_sleep(lua_State *L)
{
    struct coroutine *c = waiting(L);
    lua_Number seconds = luaL_checknumber(L, 1);
    luaL_argcheck(L, seconds >= 0 && seconds <= sleep_max, 1, "not a time to sleep");
    c->pause = PAUSE_SLEEP;
    timer_init(&c->timer, awake);
    loop_timer(turn.request->proxy->loop, &c->timer, (uint64_t)(seconds * 1000));
    c->request = turn.request;
    return lua_yield(L, 0);
}

// exit() does not return: what weir_response_exit() stored is the answer
static int wait_exit(lua_State *L)
{
    yielding(L, API_ENDING, "only rewrite, access, balancer and response can end the request")
        ->pause = PAUSE_EXIT;
    return lua_yield(L, 0);
}

int wait_results(struct coroutine *c)
{
    if (c->pause != PAUSE_BODY)
        return 0;
    struct str body = STR_NONE;
    int state = api_body(c->request, &body);
    if (state == 0)
        api_refuse("the request body is not complete");
    return give_body(c->L, state, body);
}

void wait_cancel(struct coroutine *c)
{
    if (c->pause == PAUSE_SLEEP && c->request)
        loop_timer_clear(c->request->proxy->loop, &c->timer);
}

static int open_module(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"body", wait_body},
        {"sleep", wait_sleep},
        {"exit", wait_exit},
        {NULL, NULL},
    };
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}

void wait_open(lua_State *L)
{
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "preload");
    lua_pushcfunction(L, open_module);
    lua_setfield(L, -2, "weir.wait.core");
    lua_settop(L, 0);
}
