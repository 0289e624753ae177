// socket.c - cosockets: their life, reading and writing.

#include "vm/socket.h"

#include "base/log.h"
#include "base/mem.h"
#include "net/option.h"
#include "proxy/proxy.h"
#include "vm/api.h"

#include <stdio.h>
#include <stdlib.h>

#define TYPE "weir.socket"

struct socket *socket_check(lua_State *L)
{
    struct socket *s = luaL_checkudata(L, 1, TYPE);
    if (!turn.scope || s->scope != turn.scope)
        luaL_error(L, "bad request");    // it is another's, whose turn it is not
    return s;
}

// -- what went wrong ------------------------------------------------------------------------------

const char *socket_text(err_t err)
{
    if (err == &err_connect_timeout || err == &err_read_timeout || err == &err_write_timeout)
        return "timeout";
    if (err == &err_closed)
        return "closed";
    return err->text;
}

// nil, text
int socket_give_problem(lua_State *L, const char *text)
{
    lua_pushnil(L);
    lua_pushstring(L, text);
    return 2;
}

void socket_set_problem(struct socket *s, const char *text)
{
    snprintf(s->problem, sizeof s->problem, "%s", text);
}

// -- closing --------------------------------------------------------------------------------------

void socket_disconnect(struct socket *s)
{
    if (s->query)
        resolve_cancel(s->query);
    if (s->dial)
        dial_cancel(s->dial);
    handshake_end(&s->handshake);
    if (s->link)
        link_close(s->link);
    if (s->policy)
        policy_unref(s->policy);
    free(s->addrs);
    s->query = NULL;
    s->dial = NULL;
    s->link = NULL;
    s->policy = NULL;
    s->addrs = NULL;
}

static void release(struct owned *o)
{
    struct socket *s = container_of(o, struct socket, owned);
    socket_disconnect(s);
    list_remove(&s->owned.node);
    s->scope = NULL;
}

static int collect(lua_State *L)
{
    struct socket *s = luaL_checkudata(L, 1, TYPE);
    release(&s->owned);
    return 0;
}

// -- waiting --------------------------------------------------------------------------------------

static void go_on(void *arg)
{
    struct coroutine *c = arg;
    c->alarm = NULL;
    scope_wake(c);
}

static int opener_results(struct coroutine *c)
{
    struct socket *s = c->subject;
    s->opener = NULL;
    if (s->problem[0])
        return socket_give_problem(c->L, s->problem);
    lua_pushboolean(c->L, true);
    return 1;
}

static void opener_cancel(struct coroutine *c)
{
    struct socket *s = c->subject;
    s->opener = NULL;
    coroutine_unalarm(c);
    socket_disconnect(s);
}

static int reader_results(struct coroutine *c)
{
    struct socket *s = c->subject;
    s->reader = NULL;
    if (s->problem_reading)
        return socket_give_problem(c->L, s->problem_reading);
    lua_pushlstring(c->L, s->piece.p, s->piece.n);
    return 1;
}

static void reader_cancel(struct coroutine *c)
{
    struct socket *s = c->subject;
    s->reader = NULL;
    coroutine_unalarm(c);
}

static int writer_results(struct coroutine *c)
{
    struct socket *s = c->subject;
    s->writer = NULL;
    if (s->problem[0])
        return socket_give_problem(c->L, s->problem);
    lua_pushboolean(c->L, true);
    return 1;
}

static void writer_cancel(struct coroutine *c)
{
    struct socket *s = c->subject;
    s->writer = NULL;
    coroutine_unalarm(c);
}

static const struct wait opening = { opener_results, opener_cancel };
static const struct wait reading = { reader_results, reader_cancel };
static const struct wait writing = { writer_results, writer_cancel };

static void timed_out(void *arg)
{
    struct coroutine *c = arg;
    struct socket *s = c->subject;
    c->alarm = NULL;
    if (c == s->reader) {
        s->problem_reading = "timeout";
    } else {
        socket_set_problem(s, "timeout");
        if (c == s->opener)
            socket_disconnect(s);
    }
    scope_wake(c);
}

// Has `c` wait for the socket, `ms` at most.
static int wait_for(lua_State *L, struct coroutine *c, struct socket *s, const struct wait *what,
                    lua_Integer ms)
{
    c->subject = s;
    c->alarm = alarm_set(c->scope->vm->proxy->loop, (uint64_t)ms, timed_out, c);
    return wait_yield(L, c, what);
}

int socket_wait_opened(lua_State *L, struct coroutine *c, struct socket *s, lua_Integer ms)
{
    s->opener = c;
    return wait_for(L, c, s, &opening, ms);
}

lua_Integer socket_check_time(lua_State *L, int index)
{
    const lua_Integer ms = luaL_checkinteger(L, index);
    luaL_argcheck(L, ms > 0, index, "not a time limit");
    return ms;
}

// The coroutine goes on now.
static void wake(struct coroutine *c)
{
    coroutine_unalarm(c);
    scope_wake(c);
}

// The coroutine goes on in the loop's next turn: there is another to go on now.
static void wake_later(struct coroutine *c)
{
    coroutine_unalarm(c);
    c->alarm = alarm_set(c->scope->vm->proxy->loop, 0, go_on, c);
}

void socket_opened(struct socket *s)
{
    if (s->problem[0])
        socket_disconnect(s);
    wake(s->opener);
}

void socket_opened_with(struct socket *s, const char *problem)
{
    socket_set_problem(s, problem);
    socket_opened(s);
}

// -- the connection's events ----------------------------------------------------------------------

static size_t on_data(struct conn *c, const char *p, size_t n)
{
    struct socket *s = c->owner;
    if (!s->reader)
        return 0;       // it waits with the connection
    s->piece = (struct str){ p, n };
    s->problem_reading = NULL;
    wake(s->reader);
    return n;
}

static void on_eof(struct conn *c)
{
    struct socket *s = c->owner;
    s->ended = true;
    if (s->opener) {
        socket_opened_with(s, "closed");
    } else if (s->reader) {
        s->problem_reading = "closed";
        wake(s->reader);
    }
}

static void on_drained(struct conn *c)
{
    struct socket *s = c->owner;
    if (!s->writer)
        return;
    s->problem[0] = '\0';
    wake(s->writer);
}

// In ngx_lua's words, and once in the log with all that is known.
static void explain(struct socket *s, const struct conn *c, err_t why)
{
    const struct verdict *v = c->filter ? tls_client_verdict(c) : NULL;
    if (why == &err_tls_verify && v) {
        char line[VERDICT_LINE];
        verdict_print(v, line);
        log_write(LOG_ERR, c->id, "lua ssl certificate verify error: (%d: %s), server name: %s%s",
                  v->openssl, verdict_text(v), s->name.text, line);
        snprintf(s->problem, sizeof s->problem, "%d: %s", v->openssl, verdict_text(v));
    } else if (why == &err_tls_handshake) {
        snprintf(s->problem, sizeof s->problem, "handshake failed: %s", tls_client_reason(c));
    } else {
        socket_set_problem(s, socket_text(why));
    }
}

static void on_failed(struct conn *c, err_t why)
{
    struct socket *s = c->owner;
    struct coroutine *reader = s->reader, *writer = s->writer;
    explain(s, c, why);
    socket_disconnect(s);
    if (s->opener) {
        wake(s->opener);
        return;
    }
    s->problem_reading = socket_text(why);
    if (reader && writer)
        wake_later(writer);
    if (reader)
        wake(reader);
    else if (writer)
        wake(writer);
}

static const struct conn_user socket_user = {
    .data = on_data, .eof = on_eof, .drained = on_drained, .failed = on_failed,
};

void socket_attach(struct socket *s, struct link *k)
{
    s->link = k;
    s->claimed = !k->realm;
    s->ended = false;
    conn_set_user(k->conn, &socket_user, s);
}

// -- what Lua calls -------------------------------------------------------------------------------

void socket_check_idle(lua_State *L, const struct socket *s)
{
    if (s->opener)
        luaL_error(L, "socket busy connecting");
    if (s->reader)
        luaL_error(L, "socket busy reading");
    if (s->writer)
        luaL_error(L, "socket busy writing");
}

// Whether bytes can be moved; else what to return is on the stack.
static bool is_open(lua_State *L, struct socket *s)
{
    if (s->opener)
        luaL_error(L, "socket busy connecting");
    if (!s->link) {
        socket_give_problem(L, "closed");
        return false;
    }
    if (!s->claimed) {
        socket_give_problem(L, "the connection from the pool has TLS: sslhandshake() is due");
        return false;
    }
    return true;
}

// read(socket, ms) -> some bytes | nil, why
static int socket_read(lua_State *L)
{
    struct socket *s = socket_check(L);
    struct coroutine *c = wait_allowed(L);
    const lua_Integer ms = socket_check_time(L, 2);
    if (!is_open(L, s))
        return 2;
    if (s->reader)
        return luaL_error(L, "socket busy reading");
    if (s->ended)
        return socket_give_problem(L, "closed");
    s->reader = c;
    conn_start(s->link->conn);
    conn_resume(s->link->conn);
    return wait_for(L, c, s, &reading, ms);
}

// write(socket, text, ms) -> true | nil, why
static int socket_write(lua_State *L)
{
    struct socket *s = socket_check(L);
    struct coroutine *c = wait_allowed(L);
    const struct str text = api_check_str(L, 2);
    const lua_Integer ms = socket_check_time(L, 3);
    if (!is_open(L, s))
        return 2;
    if (s->writer)
        return luaL_error(L, "socket busy writing");
    conn_write(s->link->conn, &text, 1);
    if (!conn_congested(s->link->conn)) {
        lua_pushboolean(L, true);
        return 1;
    }
    s->writer = c;
    return wait_for(L, c, s, &writing, ms);
}

// close(socket) -> true | nil, "closed"
static int socket_close(lua_State *L)
{
    struct socket *s = socket_check(L);
    socket_check_idle(L, s);
    if (!s->link)
        return socket_give_problem(L, "closed");
    socket_disconnect(s);
    lua_pushboolean(L, true);
    return 1;
}

// A number of connections.
static unsigned check_count(lua_State *L, int index)
{
    const lua_Integer count = luaL_checkinteger(L, index);
    luaL_argcheck(L, count > 0, index, "not a size");
    return (unsigned)count;
}

// keep(socket, pool, size, of all pools, ms) -> true | nil, why
static int socket_keep(lua_State *L)
{
    struct socket *s = socket_check(L);
    const struct str pool = api_check_str(L, 2);
    const lua_Integer ms = luaL_checkinteger(L, 5);
    socket_check_idle(L, s);
    struct link *k = s->link;
    if (!k || s->ended || k->conn->broken)
        return socket_give_problem(L, "closed");
    conn_flush(k->conn);
    if (!s->claimed || k->conn->held.len > 0 || k->conn->pending.len > 0)
        return socket_give_problem(L, "connection in dubious state");
    luaL_argcheck(L, ms >= 0, 5, "not a time");
    const struct link_bounds bounds = {
        .pool_size = check_count(L, 3), .all_pools = check_count(L, 4), .idle_ms = (uint64_t)ms,
    };
    s->link = NULL;
    link_give(k, pool, &bounds);
    lua_pushboolean(L, true);
    return 1;
}

// reused(socket) -> how often the connection came from a pool | nil, "closed"
static int socket_reused(lua_State *L)
{
    const struct socket *s = socket_check(L);
    if (!s->link)
        return socket_give_problem(L, "closed");
    lua_pushinteger(L, (lua_Integer)s->link->reused);
    return 1;
}

// option(socket, name, value) -> true | nil, why
static int socket_option(lua_State *L)
{
    const struct socket *s = socket_check(L);
    const char *name = luaL_checkstring(L, 2);
    const lua_Integer value = luaL_checkinteger(L, 3);
    if (!s->link)
        return socket_give_problem(L, "closed");
    err_t err = option_set(s->link->conn, str_from(name), (int)value);
    if (err)
        return socket_give_problem(L, socket_text(err));
    lua_pushboolean(L, true);
    return 1;
}

// socket() -> userdata
static int socket_new(lua_State *L)
{
    struct scope *scope = wait_allowed(L)->scope;
    struct socket *s = lua_newuserdata(L, sizeof *s);
    memset(s, 0, sizeof *s);
    s->scope = scope;
    s->owned.release = release;
    socket_open_init(s);
    list_push_tail(&scope->owned, &s->owned.node);
    if (luaL_newmetatable(L, TYPE)) {
        lua_pushcfunction(L, collect);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return 1;
}

const luaL_Reg socket_functions[] = {
    {"socket", socket_new},
    {"connect", socket_open_connect},
    {"handshake", socket_open_handshake},
    {"read", socket_read},
    {"write", socket_write},
    {"close", socket_close},
    {"keep", socket_keep},
    {"reused", socket_reused},
    {"option", socket_option},
    {NULL, NULL},
};
