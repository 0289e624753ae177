// socket_open.c - cosockets: names, connecting, TLS.

#include "base/log.h"
#include "base/mem.h"
#include "proxy/proxy.h"
#include "vm/api.h"
#include "vm/socket.h"

#include <stdio.h>
#include <stdlib.h>

// What opening waits for may take so long, ms: the socket's own time limit is shorter.
enum { LONGEST = 24 * 3600 * 1000 };

// -- TLS ------------------------------------------------------------------------------------------

static void verified(struct conn *c)
{
    struct socket *s = c->owner;
    const struct verdict *v = tls_client_verdict(c);
    if (v && verdict_is_reported(v))
        log_write(LOG_WARN, c->id, "lua ssl certificate verify error, reported only: (%d: %s), "
                  "server name: %s", v->openssl, verdict_text(v), s->name.text);
    handshake_end(&s->handshake);
    s->link->span = tls_client_span(c);
    s->claimed = true;
    policy_unref(s->policy);
    s->policy = NULL;
    socket_opened_with(s, "");
}

static const struct tls_client_user shaker = { .ready = verified };

// The functions below are false when the handshake cannot be made; the problem is set then.

static bool begin_handshake(struct socket *s)
{
    struct link *k = s->link;
    // Nothing may come before it.
    if (k->conn->held.len > 0 || s->ended) {
        socket_set_problem(s, s->ended ? "closed"
                                       : "the peer sent something before the handshake");
        return false;
    }
    // A Unix socket has no address that its sessions could be found by.
    struct session_cache *sessions = k->addr.len > 0 ? &k->peer->sessions : NULL;
    conn_resume(k->conn);
    err_t err = tls_client_start(k->realm->tls, k->conn, &s->name, &k->peer->sni, sessions,
                                 &shaker);
    if (err)
        socket_set_problem(s, socket_text(err));
    return err == NULL;
}

static void turn_came(struct handshake *h, struct peer_conn *pc, err_t err)
{
    struct socket *s = container_of(h, struct socket, handshake);
    (void)pc;       // NULL: nothing feeds the queue of a peer's sockets
    if (err)
        socket_opened_with(s, socket_text(err));
    else if (!begin_handshake(s))
        socket_opened(s);
}

void socket_open_init(struct socket *s)
{
    handshake_init(&s->handshake, &s->scope->vm->proxy->realms.waiters, turn_came);
}

// Has the handshake that is due, maybe after those of others.
static bool shake_hands(struct socket *s)
{
    struct link *k = s->link;
    char why[TRUST_WHY] = "";
    if (link_set_policy(k, s->policy, &s->name, why) != NULL) {
        socket_set_problem(s, why);
        return false;
    }
    if (handshake_begin(&s->handshake))
        return begin_handshake(s);
    handshake_wait(&s->handshake, &k->peer->sockets, LONGEST);
    return true;
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
        socket_opened_with(s, socket_text(err));
        return;
    }
    socket_attach(s, link_new(s->scope->vm, c, &s->addrs[s->addr_next - 1]));
    if (!s->policy)
        socket_opened_with(s, "");
    else if (!shake_hands(s))
        socket_opened(s);
}

static void dial_next(struct socket *s)
{
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
        socket_opened(s);
        return;
    }
    dial_all(s, r, s->port);
}

static err_t open_unix(struct socket *s, struct str path)
{
    struct conn *c;
    err_t err = dial_unix(s->scope->vm->proxy->loop, path, &c);
    if (!err)
        socket_attach(s, link_new_unix(s->scope->vm, c, path));
    return err;
}

static int connect_unix(lua_State *L, struct socket *s, struct str path)
{
    err_t err = open_unix(s, path);
    if (err)
        return socket_give_problem(L, socket_text(err));
    lua_pushboolean(L, true);
    return 1;
}

// -- what Lua calls -------------------------------------------------------------------------------

int socket_open_connect(lua_State *L)
{
    struct socket *s = socket_check(L);
    struct coroutine *c = wait_allowed(L);
    const struct str host = api_check_str(L, 2), pool = api_check_str(L, 5);
    const lua_Integer ms = socket_check_time(L, 4);
    socket_check_idle(L, s);
    socket_disconnect(s);
    s->port = (uint16_t)luaL_checkinteger(L, 3);
    struct link *k = link_take(s->scope->vm, pool);
    if (k) {
        socket_attach(s, k);
        lua_pushboolean(L, true);
        return 1;
    }
    if (str_starts(host, STR("unix:")))
        return connect_unix(L, s, str_sub(host, 5, host.n));
    snprintf(s->problem, sizeof s->problem, "%.*s", (int)(host.n < 128 ? host.n : 128), host.p);
    struct resolved r;
    if (resolve(s->scope->vm->proxy->resolver, host, &r, &s->query, resolved, s))
        dial_all(s, &r, s->port);
    return socket_wait_opened(L, c, s, ms);
}

// The policy and the name of the next handshake: see core/vm/abi.h. Those of one that is under way
// are what its verdict will be taken for.
int weir_socket_policy(void *socket, struct weir_policy *policy, const char *name, size_t n)
{
    struct socket *s = socket;
    if (s->opener)
        return api_refuse("socket busy connecting");
    if (peer_name_parse(api_str(name, n), &s->name) != NULL)
        return api_refuse("'%.*s' is not a host name", (int)n, name);
    if (s->policy)
        policy_unref(s->policy);
    s->policy = policy_ref((struct policy *)policy);
    return 0;
}

// A connection from the pool that was verified for somebody else gives way to another one to the
// same place: one that is being dialled, which then shakes hands by itself, or one that is there.
// False: there is none; the problem is set.
static bool replace_link(struct socket *s)
{
    struct link *k = s->link;
    err_t err = NULL;
    s->link = NULL;
    if (k->path.p) {
        err = open_unix(s, k->path);
    } else {
        keep_addresses(s, &k->addr, 1);
        dial_next(s);
    }
    link_close(k);
    if (err)
        socket_set_problem(s, socket_text(err));
    return err == NULL;
}

int socket_open_handshake(lua_State *L)
{
    struct socket *s = socket_check(L);
    struct coroutine *c = wait_allowed(L);
    const lua_Integer ms = socket_check_time(L, 2);
    socket_check_idle(L, s);
    if (!s->link)
        return socket_give_problem(L, "closed");
    if (!s->policy)
        return luaL_error(L, "no policy");
    struct link *k = s->link;
    if (link_is_for(k, s->policy, &s->name)) {
        s->claimed = true;
        lua_pushboolean(L, true);
        return 1;
    }
    if (k->realm && s->claimed)
        return socket_give_problem(L, "the connection is under another policy already");
    if (k->realm && !replace_link(s)) {
        socket_disconnect(s);
        return socket_give_problem(L, s->problem);
    }
    if (!s->dial && !shake_hands(s)) {
        socket_disconnect(s);
        return socket_give_problem(L, s->problem);
    }
    return socket_wait_opened(L, c, s, ms);
}
