// udp.c - datagram sockets for coroutines that wait (lua/weir/ngx/socket/udp.lua).
//
// They belong to the scope that made them, as those of socket.c do.

#include "net/datagram.h"
#include "net/resolve.h"
#include "proxy/proxy.h"
#include "vm/api.h"

#include <stdio.h>
#include <string.h>

#define TYPE "weir.udp"

struct udp {
    struct owned owned;             // by the scope
    struct scope *scope;            // NULL: it is over
    struct datagram *datagram;      // NULL: no peer yet, or closed
    struct coroutine *opener, *reader;
    struct resolve_query *query;
    uint16_t port;
    size_t room;                    // that the reader has
    struct str piece;               // for it
    char problem[256];              // "": none
};

static struct udp *check(lua_State *L)
{
    struct udp *u = luaL_checkudata(L, 1, TYPE);
    if (!turn.scope || u->scope != turn.scope)
        luaL_error(L, "bad request");
    if (u->opener || u->reader)
        luaL_error(L, "socket busy");
    return u;
}

static int give_problem(lua_State *L, const char *text)
{
    lua_pushnil(L);
    lua_pushstring(L, text);
    return 2;
}

static void set_problem(struct udp *u, const char *text)
{
    snprintf(u->problem, sizeof u->problem, "%s", text);
}

// -- closing --------------------------------------------------------------------------------------

static void disconnect(struct udp *u)
{
    if (u->query)
        resolve_cancel(u->query);
    if (u->datagram)
        datagram_close(u->datagram);
    u->query = NULL;
    u->datagram = NULL;
}

static void release(struct owned *o)
{
    struct udp *u = container_of(o, struct udp, owned);
    disconnect(u);
    list_remove(&u->owned.node);
    u->scope = NULL;
}

static int collect(lua_State *L)
{
    struct udp *u = luaL_checkudata(L, 1, TYPE);
    release(&u->owned);
    return 0;
}

// -- waiting --------------------------------------------------------------------------------------

static int opener_results(struct coroutine *c)
{
    struct udp *u = c->subject;
    u->opener = NULL;
    if (u->problem[0])
        return give_problem(c->L, u->problem);
    lua_pushboolean(c->L, true);
    return 1;
}

static void opener_cancel(struct coroutine *c)
{
    struct udp *u = c->subject;
    u->opener = NULL;
    coroutine_unalarm(c);
    disconnect(u);
}

static int reader_results(struct coroutine *c)
{
    struct udp *u = c->subject;
    u->reader = NULL;
    if (u->problem[0])
        return give_problem(c->L, u->problem);
    lua_pushlstring(c->L, u->piece.p, u->piece.n);
    return 1;
}

static void reader_cancel(struct coroutine *c)
{
    struct udp *u = c->subject;
    u->reader = NULL;
    coroutine_unalarm(c);
    datagram_listen(u->datagram, false);
}

static const struct wait opening = { opener_results, opener_cancel };
static const struct wait reading = { reader_results, reader_cancel };

static void timed_out(void *arg)
{
    struct coroutine *c = arg;
    struct udp *u = c->subject;
    c->alarm = NULL;
    set_problem(u, "timeout");
    if (c == u->opener)
        disconnect(u);
    else
        datagram_listen(u->datagram, false);
    scope_wake(c);
}

static int wait_for(lua_State *L, struct coroutine *c, struct udp *u, const struct wait *what,
                    lua_Integer ms)
{
    c->subject = u;
    c->alarm = alarm_set(c->scope->vm->proxy->loop, (uint64_t)ms, timed_out, c);
    return wait_yield(L, c, what);
}

static void wake(struct coroutine *c)
{
    coroutine_unalarm(c);
    scope_wake(c);
}

// -- the peer -------------------------------------------------------------------------------------

static void readable(void *arg)
{
    struct udp *u = arg;
    char *p = u->scope->vm->proxy->loop->in;
    size_t n;
    err_t err;
    if (!datagram_receive(u->datagram, p, u->room, &n, &err))
        return;
    datagram_listen(u->datagram, false);
    u->piece = (struct str){ p, n };
    set_problem(u, err ? err->text : "");
    wake(u->reader);
}

static void open_towards(struct udp *u, const struct addr *to, struct str path)
{
    err_t err = datagram_open(u->scope->vm->proxy->loop, to, path, readable, u, &u->datagram);
    set_problem(u, err ? err->text : "");
}

static void open_first(struct udp *u, const struct resolved *r)
{
    struct addr to = r->addrs[0];
    addr_set_port(&to, u->port);
    open_towards(u, &to, STR_NONE);
}

static void resolved(void *arg, const struct resolved *r, err_t err)
{
    struct udp *u = arg;
    u->query = NULL;
    if (err) {
        const size_t n = strlen(u->problem);
        snprintf(u->problem + n, sizeof u->problem - n, " could not be resolved (%s)", err->text);
    } else {
        open_first(u, r);
    }
    wake(u->opener);
}

// peer(udp, host, port, ms) -> true | nil, why
static int udp_peer(lua_State *L)
{
    struct udp *u = check(L);
    struct coroutine *c = wait_allowed(L);
    const struct str host = api_check_str(L, 2);
    const lua_Integer ms = luaL_checkinteger(L, 4);
    u->port = (uint16_t)luaL_checkinteger(L, 3);
    disconnect(u);
    struct resolved r;
    if (str_starts(host, STR("unix:"))) {
        open_towards(u, NULL, str_sub(host, 5, host.n));
    } else {
        snprintf(u->problem, sizeof u->problem, "%.*s", (int)(host.n < 128 ? host.n : 128), host.p);
        if (!resolve(u->scope->vm->proxy->resolver, host, &r, &u->query, resolved, u)) {
            u->opener = c;
            return wait_for(L, c, u, &opening, ms);
        }
        open_first(u, &r);
    }
    if (u->problem[0])
        return give_problem(L, u->problem);
    lua_pushboolean(L, true);
    return 1;
}

// -- datagrams ------------------------------------------------------------------------------------

// send(udp, text) -> true | nil, why
static int udp_send(lua_State *L)
{
    struct udp *u = check(L);
    const struct str text = api_check_str(L, 2);
    if (!u->datagram)
        return give_problem(L, "closed");
    err_t err = datagram_send(u->datagram, text);
    if (err)
        return give_problem(L, err->text);
    lua_pushboolean(L, true);
    return 1;
}

// receive(udp, size, ms) -> text | nil, why
static int udp_receive(lua_State *L)
{
    struct udp *u = check(L);
    struct coroutine *c = wait_allowed(L);
    const lua_Integer room = luaL_checkinteger(L, 2), ms = luaL_checkinteger(L, 3);
    luaL_argcheck(L, room > 0, 2, "not a size");
    if (!u->datagram)
        return give_problem(L, "closed");
    u->room = room < DATAGRAM_MAX ? (size_t)room : DATAGRAM_MAX;
    u->reader = c;
    datagram_listen(u->datagram, true);
    return wait_for(L, c, u, &reading, ms);
}

// close(udp) -> true | nil, "closed"
static int udp_close(lua_State *L)
{
    struct udp *u = check(L);
    if (!u->datagram)
        return give_problem(L, "closed");
    disconnect(u);
    lua_pushboolean(L, true);
    return 1;
}

// udp() -> userdata
static int udp_new(lua_State *L)
{
    struct scope *scope = wait_allowed(L)->scope;
    struct udp *u = lua_newuserdata(L, sizeof *u);
    memset(u, 0, sizeof *u);
    u->scope = scope;
    u->owned.release = release;
    list_push_tail(&scope->owned, &u->owned.node);
    if (luaL_newmetatable(L, TYPE)) {
        lua_pushcfunction(L, collect);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return 1;
}

const luaL_Reg udp_functions[] = {
    {"udp", udp_new},
    {"udp_peer", udp_peer},
    {"udp_send", udp_send},
    {"udp_receive", udp_receive},
    {"udp_close", udp_close},
    {NULL, NULL},
};
