// socket.c - cosockets: connecting, TLS, reading and writing for coroutines that wait.

#include "vm/socket.h"

#include "base/log.h"
#include "base/mem.h"
#include "proxy/proxy.h"
#include "vm/api.h"

#include <stdio.h>
#include <stdlib.h>

#define TYPE "weir.socket"

static struct socket *check(lua_State *L)
{
    struct socket *s = luaL_checkudata(L, 1, TYPE);
    if (!turn.scope || s->scope != turn.scope)
        luaL_error(L, "bad request");    // it is another's, whose turn it is not
    return s;
}

// -- what went wrong ------------------------------------------------------------------------------

// ngx_lua's words.
static const char *text_of(err_t err)
{
    if (err == &err_connect_timeout || err == &err_read_timeout || err == &err_write_timeout)
        return "timeout";
    if (err == &err_closed)
        return "closed";
    return err->text;
}

// nil, text
static int give_problem(lua_State *L, const char *text)
{
    lua_pushnil(L);
    lua_pushstring(L, text);
    return 2;
}

static void set_problem(struct socket *s, const char *text)
{
    snprintf(s->problem, sizeof s->problem, "%s", text);
}

// -- closing --------------------------------------------------------------------------------------

// Calls off what is under way, and closes the connection.
static void disconnect(struct socket *s)
{
    if (s->query)
        resolve_cancel(s->query);
    if (s->dial)
        dial_cancel(s->dial);
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

void socket_release(struct socket *s)
{
    disconnect(s);
    list_remove(&s->node);
    s->scope = NULL;
}

static int collect(lua_State *L)
{
    socket_release(luaL_checkudata(L, 1, TYPE));
    return 0;
}

// -- waiting --------------------------------------------------------------------------------------

static void stop_alarm(struct coroutine *c)
{
    if (c->alarm)
        alarm_clear(c->alarm);
    c->alarm = NULL;
}

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
        return give_problem(c->L, s->problem);
    lua_pushboolean(c->L, true);
    return 1;
}

static void opener_cancel(struct coroutine *c)
{
    struct socket *s = c->subject;
    s->opener = NULL;
    stop_alarm(c);
    disconnect(s);
}

static int reader_results(struct coroutine *c)
{
    struct socket *s = c->subject;
    s->reader = NULL;
    if (s->problem_reading)
        return give_problem(c->L, s->problem_reading);
    lua_pushlstring(c->L, s->piece.p, s->piece.n);
    return 1;
}

static void reader_cancel(struct coroutine *c)
{
    struct socket *s = c->subject;
    s->reader = NULL;
    stop_alarm(c);
}

static int writer_results(struct coroutine *c)
{
    struct socket *s = c->subject;
    s->writer = NULL;
    if (s->problem[0])
        return give_problem(c->L, s->problem);
    lua_pushboolean(c->L, true);
    return 1;
}

static void writer_cancel(struct coroutine *c)
{
    struct socket *s = c->subject;
    s->writer = NULL;
    stop_alarm(c);
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
        set_problem(s, "timeout");
        if (c == s->opener)
            disconnect(s);
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

// A time limit in ms.
static lua_Integer check_time(lua_State *L, int index)
{
    const lua_Integer ms = luaL_checkinteger(L, index);
    luaL_argcheck(L, ms > 0, index, "not a time limit");
    return ms;
}

// The coroutine goes on now.
static void wake(struct coroutine *c)
{
    stop_alarm(c);
    scope_wake(c);
}

// The coroutine goes on in the loop's next turn: there is another to go on now.
static void wake_later(struct coroutine *c)
{
    stop_alarm(c);
    c->alarm = alarm_set(c->scope->vm->proxy->loop, 0, go_on, c);
}

// Opening is over, with the problem that is set, or none.
static void opened(struct socket *s)
{
    if (s->problem[0])
        disconnect(s);
    wake(s->opener);
}

static void opened_with(struct socket *s, const char *problem)
{
    set_problem(s, problem);
    opened(s);
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
        opened_with(s, "closed");
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
        set_problem(s, text_of(why));
    }
}

static void on_failed(struct conn *c, err_t why)
{
    struct socket *s = c->owner;
    struct coroutine *reader = s->reader, *writer = s->writer;
    explain(s, c, why);
    disconnect(s);
    if (s->opener) {
        wake(s->opener);
        return;
    }
    s->problem_reading = text_of(why);
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

static void attach(struct socket *s, struct link *k)
{
    s->link = k;
    s->claimed = !k->realm;
    s->ended = false;
    conn_set_user(k->conn, &socket_user, s);
}

// -- TLS ------------------------------------------------------------------------------------------

static void verified(struct conn *c)
{
    struct socket *s = c->owner;
    const struct verdict *v = tls_client_verdict(c);
    if (v && verdict_is_reported(v))
        log_write(LOG_WARN, c->id, "lua ssl certificate verify error, reported only: (%d: %s), "
                  "server name: %s", v->openssl, verdict_text(v), s->name.text);
    s->link->span = tls_client_span(c);
    s->claimed = true;
    policy_unref(s->policy);
    s->policy = NULL;
    opened_with(s, "");
}

static const struct tls_client_user shaker = { .ready = verified };

// Begins the handshake that is due. False: it cannot be made; the problem is set.
static bool shake_hands(struct socket *s)
{
    struct link *k = s->link;
    char why[TRUST_WHY] = "";
    if (link_set_policy(k, s->policy, &s->name, why) != NULL) {
        set_problem(s, why);
        return false;
    }
    // A Unix socket has no address that its sessions could be found by.
    struct session_cache *sessions = k->addr.len > 0 ? &k->peer->sessions : NULL;
    conn_resume(k->conn);
    err_t err = tls_client_start(k->realm->tls, k->conn, &s->name, &k->peer->sni, sessions,
                                 &shaker);
    if (err)
        set_problem(s, text_of(err));
    return err == NULL;
}

// -- connecting -----------------------------------------------------------------------------------

static void dial_next(struct socket *s);

static void dialled(void *arg, struct conn *c, err_t err)
{
    struct socket *s = arg;
    s->dial = NULL;
    if (err && s->addr_next < s->addr_count) {
        dial_next(s);
        return;
    }
    if (err) {
        opened_with(s, text_of(err));
        return;
    }
    attach(s, link_new(s->scope->vm, c, &s->addrs[s->addr_next - 1]));
    if (!s->policy)
        opened_with(s, "");
    else if (!shake_hands(s))
        opened(s);
}

static void dial_next(struct socket *s)
{
    enum { LONGEST = 24 * 3600 * 1000 };    // the socket's own time limit is shorter
    s->dial = dial_start(s->scope->vm->proxy->loop, &s->addrs[s->addr_next], LONGEST, dialled, s);
    s->addr_next++;
}

static void keep_addresses(struct socket *s, const struct addr *addrs, unsigned count)
{
    struct addr *kept = xcalloc(count, sizeof *kept);
    memcpy(kept, addrs, count * sizeof *kept);
    free(s->addrs);
    s->addrs = kept;
    s->addr_count = count;
    s->addr_next = 0;
}

static void dial_all(struct socket *s, const struct resolved *r, uint16_t port)
{
    keep_addresses(s, r->addrs, r->count);
    for (unsigned i = 0; i < s->addr_count; i++)
        addr_set_port(&s->addrs[i], port);
    dial_next(s);
}

static void resolved(void *arg, const struct resolved *r, err_t err)
{
    struct socket *s = arg;
    s->query = NULL;
    if (err) {
        const size_t n = strlen(s->problem);
        snprintf(s->problem + n, sizeof s->problem - n, " could not be resolved (%s)", err->text);
        opened(s);
        return;
    }
    dial_all(s, r, s->port);
}

static int connect_unix(lua_State *L, struct socket *s, struct str path)
{
    struct conn *c;
    err_t err = dial_unix(s->scope->vm->proxy->loop, path, &c);
    if (err)
        return give_problem(L, text_of(err));
    attach(s, link_new(s->scope->vm, c, &(struct addr){ 0 }));
    lua_pushboolean(L, true);
    return 1;
}

static struct str check_str(lua_State *L, int index)
{
    size_t n;
    const char *p = luaL_checklstring(L, index, &n);
    return (struct str){ p, n };
}

static void check_idle(lua_State *L, const struct socket *s)
{
    if (s->opener)
        luaL_error(L, "socket busy connecting");
    if (s->reader)
        luaL_error(L, "socket busy reading");
    if (s->writer)
        luaL_error(L, "socket busy writing");
}

// connect(socket, host, port, ms, pool) -> true, how often it was used before | nil, why
static int socket_connect(lua_State *L)
{
    struct socket *s = check(L);
    struct coroutine *c = wait_allowed(L);
    const struct str host = check_str(L, 2), pool = check_str(L, 5);
    const lua_Integer ms = check_time(L, 4);
    check_idle(L, s);
    disconnect(s);
    s->port = (uint16_t)luaL_checkinteger(L, 3);
    struct link *k = link_take(s->scope->vm, pool);
    if (k) {
        attach(s, k);
        lua_pushboolean(L, true);
        return 1;
    }
    if (str_starts(host, STR("unix:")))
        return connect_unix(L, s, str_sub(host, 5, host.n));
    snprintf(s->problem, sizeof s->problem, "%.*s", (int)(host.n < 128 ? host.n : 128), host.p);
    struct resolved r;
    s->opener = c;
    if (resolve(s->scope->vm->proxy->resolver, host, &r, &s->query, resolved, s))
        dial_all(s, &r, s->port);
    return wait_for(L, c, s, &opening, ms);
}

// The policy and the name of the next handshake: see core/vm/abi.h.
int weir_socket_policy(void *socket, struct weir_policy *policy, const char *name, size_t n)
{
    struct socket *s = socket;
    if (peer_name_parse(api_str(name, n), &s->name) != NULL)
        return api_refuse("'%.*s' is not a host name", (int)n, name);
    if (s->policy)
        policy_unref(s->policy);
    s->policy = policy_ref((struct policy *)policy);
    return 0;
}

// Has a handshake that nothing may come before.
static int begin_handshake(lua_State *L, struct socket *s)
{
    if (s->link->conn->held.len > 0 || s->ended)
        set_problem(s, s->ended ? "closed" : "the peer sent something before the handshake");
    else if (shake_hands(s))
        return 0;
    disconnect(s);
    return give_problem(L, s->problem);
}

// handshake(socket, ms) -> true | nil, why: under the policy that was set
static int socket_handshake(lua_State *L)
{
    struct socket *s = check(L);
    struct coroutine *c = wait_allowed(L);
    const lua_Integer ms = check_time(L, 2);
    check_idle(L, s);
    if (!s->link)
        return give_problem(L, "closed");
    if (!s->policy)
        return luaL_error(L, "no policy");
    struct link *k = s->link;
    if (link_is_for(k, s->policy, &s->name)) {
        s->claimed = true;
        lua_pushboolean(L, true);
        return 1;
    }
    if (k->realm && s->claimed)
        return give_problem(L, "the connection is under another policy already");
    if (k->realm) {
        // It came from the pool, and was verified for somebody else.
        keep_addresses(s, &k->addr, 1);
        s->link = NULL;
        link_close(k);
        dial_next(s);
    } else {
        const int refused = begin_handshake(L, s);
        if (refused)
            return refused;
    }
    s->opener = c;
    return wait_for(L, c, s, &opening, ms);
}

// -- reading and writing --------------------------------------------------------------------------

// Whether bytes can be moved; else what to return is on the stack.
static bool is_open(lua_State *L, struct socket *s)
{
    if (s->opener)
        luaL_error(L, "socket busy connecting");
    if (!s->link) {
        give_problem(L, "closed");
        return false;
    }
    if (!s->claimed) {
        give_problem(L, "the connection from the pool has TLS: sslhandshake() is due");
        return false;
    }
    return true;
}

// read(socket, ms) -> some bytes | nil, why
static int socket_read(lua_State *L)
{
    struct socket *s = check(L);
    struct coroutine *c = wait_allowed(L);
    const lua_Integer ms = check_time(L, 2);
    if (!is_open(L, s))
        return 2;
    if (s->reader)
        return luaL_error(L, "socket busy reading");
    if (s->ended)
        return give_problem(L, "closed");
    s->reader = c;
    conn_start(s->link->conn);
    conn_resume(s->link->conn);
    return wait_for(L, c, s, &reading, ms);
}

// write(socket, text, ms) -> true | nil, why
static int socket_write(lua_State *L)
{
    struct socket *s = check(L);
    struct coroutine *c = wait_allowed(L);
    const struct str text = check_str(L, 2);
    const lua_Integer ms = check_time(L, 3);
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
    struct socket *s = check(L);
    check_idle(L, s);
    if (!s->link)
        return give_problem(L, "closed");
    disconnect(s);
    lua_pushboolean(L, true);
    return 1;
}

// keep(socket, pool, size, ms) -> true | nil, why
static int socket_keep(lua_State *L)
{
    struct socket *s = check(L);
    const struct str pool = check_str(L, 2);
    const lua_Integer size = luaL_checkinteger(L, 3), ms = luaL_checkinteger(L, 4);
    check_idle(L, s);
    struct link *k = s->link;
    if (!k || s->ended || k->conn->broken)
        return give_problem(L, "closed");
    if (!s->claimed || k->conn->held.len > 0 || k->conn->pending.len > 0)
        return give_problem(L, "connection in dubious state");
    luaL_argcheck(L, size > 0, 3, "not a size");
    luaL_argcheck(L, ms >= 0, 4, "not a time");
    s->link = NULL;
    link_give(k, pool, (unsigned)size, (uint64_t)ms);
    lua_pushboolean(L, true);
    return 1;
}

// reused(socket) -> how often the connection came from a pool | nil, "closed"
static int socket_reused(lua_State *L)
{
    const struct socket *s = check(L);
    if (!s->link)
        return give_problem(L, "closed");
    lua_pushinteger(L, (lua_Integer)s->link->reused);
    return 1;
}

// socket() -> userdata
static int socket_new(lua_State *L)
{
    struct scope *scope = wait_allowed(L)->scope;
    struct socket *s = lua_newuserdata(L, sizeof *s);
    memset(s, 0, sizeof *s);
    s->scope = scope;
    list_push_tail(&scope->sockets, &s->node);
    if (luaL_newmetatable(L, TYPE)) {
        lua_pushcfunction(L, collect);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return 1;
}

const luaL_Reg socket_functions[] = {
    {"socket", socket_new},
    {"connect", socket_connect},
    {"handshake", socket_handshake},
    {"read", socket_read},
    {"write", socket_write},
    {"close", socket_close},
    {"keep", socket_keep},
    {"reused", socket_reused},
    {NULL, NULL},
};
