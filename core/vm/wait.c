// wait.c - the functions of Lua that wait, module weir.wait.core: body() and exit() are here, the
// others in thread.c, timer.c, socket.c and udp.c.
//
// They yield the coroutine that C resumed last, if necessary through coroutines that a plugin made
// within it: those tell a wait from a plugin's own yield by the value `waiting`, and pass it on
// (lua/weir/wait/coroutines.lua). What is returned to Lua in the end is put on the stack of the
// coroutine that C knows, and passed back up.

#include "proxy/request.h"
#include "vm/api.h"
#include "vm/state.h"

#include <lauxlib.h>

static char waiting;    // only its address counts

struct loop *wait_loop(struct vm *vm)
{
    return vm->proxy ? vm->proxy->loop : NULL;
}

// -- where waiting is possible --------------------------------------------------------------------

// ngx_lua's names of where code runs, which its errors have.
static const char *context(void)
{
    static const char *const names[PHASE_COUNT] = {
        "rewrite_by_lua*", "access_by_lua*", "header_filter_by_lua*", "body_filter_by_lua*",
        "log_by_lua*", "upstream_verify", "balancer_by_lua*", "response",
        "ssl_certificate_by_lua*",
    };
    if (turn.client)
        return names[PHASE_CERTIFICATE];
    return turn.request ? names[turn.request->phase] : "init_worker_by_lua*";
}

static bool in_timer(void)
{
    return turn.scope && !turn.request;
}

// It goes on without a result.
static void call_off(struct coroutine *c)
{
    c->wait->cancel(c);
    c->wait = NULL;
}

static struct coroutine *allowed(lua_State *L, unsigned phases)
{
    if (!in_timer() && !api_request(phases))
        luaL_error(L, "API disabled in the context of %s", context());
    struct coroutine *c = turn.vm->running;
    // It yielded to one that did not pass it on.
    if (c->wait || c->exits)
        luaL_error(L, "a coroutine that was not made with coroutine.create cannot wait");
    return c;
}

struct coroutine *wait_allowed(lua_State *L)
{
    return allowed(L, API_WAITING);
}

// possible() -> whether the functions that wait can be called
static int wait_possible(lua_State *L)
{
    lua_pushboolean(L, in_timer() || api_request(API_WAITING));
    return 1;
}

int wait_yield(lua_State *L, struct coroutine *c, const struct wait *what)
{
    c->wait = what;
    // lua_yield() raises an error then: within a callback of string.gsub, for one.
    if (!lua_isyieldable(L))
        call_off(c);
    lua_pushlightuserdata(L, &waiting);
    return lua_yield(L, 1);
}

// refused() says that the wait could not be passed on: its coroutine goes on
static int wait_refused(lua_State *L)
{
    (void)L;
    struct coroutine *c = turn.vm->running;
    if (c->wait)
        call_off(c);
    return 0;
}

int wait_exit(lua_State *L, struct coroutine *c)
{
    c->exits = true;
    lua_pushlightuserdata(L, &waiting);
    return lua_yield(L, 1);
}

// exit() does not return: what weir_response_exit() stored is the answer
static int exit_phase(lua_State *L)
{
    return wait_exit(L, allowed(L, API_ENDING));
}

// leave() does not return either: the entry module's go_on() runs the handlers that come next. A
// timer has none.
static int leave_handler(lua_State *L)
{
    struct coroutine *c = allowed(L, API_WAITING);
    c->scope->leaves = true;
    return wait_exit(L, c);
}

// -- the body -------------------------------------------------------------------------------------

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

static int body_results(struct coroutine *c)
{
    struct str body = STR_NONE;
    int state = api_body(c->scope->request, &body);
    if (state == 0)
        api_refuse("the request body is not complete");
    return give_body(c->L, state, body);
}

static void body_cancel(struct coroutine *c)
{
    c->scope->reader = NULL;
}

static const struct wait body_wait = { body_results, body_cancel };

// body() -> string | nil, why it cannot be had
static int wait_body(lua_State *L)
{
    struct coroutine *c = wait_allowed(L);
    if (!turn.request)
        return luaL_error(L, "API disabled in the context of ngx.timer");
    struct str body;
    int state = api_body(turn.request, &body);
    if (state == 0 && c->scope->reader)
        state = api_refuse("another light thread reads the request body");
    if (state != 0)
        return give_body(L, state, body);
    c->scope->reader = c;
    return wait_yield(L, c, &body_wait);
}

// -- the module -----------------------------------------------------------------------------------

static int open_module(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"possible", wait_possible},
        {"refused", wait_refused},
        {"body", wait_body},
        {"exit", exit_phase},
        {"leave", leave_handler},
        {NULL, NULL},
    };
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    luaL_register(L, NULL, thread_functions);
    luaL_register(L, NULL, timer_functions);
    luaL_register(L, NULL, socket_functions);
    luaL_register(L, NULL, udp_functions);
    lua_pushlightuserdata(L, &waiting);
    lua_setfield(L, -2, "waiting");
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
