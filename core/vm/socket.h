// A cosocket: a TCP or Unix stream that coroutines connect, shake hands, read and write on
// (lua/weir/ngx/socket/tcp.lua, which keeps what was received and not read yet).
//
// Owner: Lua's garbage collector; but it belongs to the scope that made it, which closes it when it
// ends. Threads: the worker's.
//
// At most one coroutine opens it (connects, or shakes hands: socket_open.c), else one may read
// while another writes (socket.c). Timeouts leave the connection as it is, but for those of
// opening, which close it.

#pragma once

#include "net/dial.h"
#include "net/resolve.h"
#include "vm/link.h"
#include "vm/state.h"

struct socket {
    struct owned owned;             // by the scope
    struct scope *scope;            // NULL: that is over
    struct link *link;              // NULL: not connected
    bool claimed;                   // who uses it knows whether it is plain or TLS
    bool ended;                     // the peer sends no more
    struct coroutine *opener, *reader, *writer;
    // Opening.
    struct resolve_query *query;
    struct dial *dial;
    struct addr *addrs;             // what is left to be tried
    unsigned addr_count, addr_next;
    uint16_t port;
    struct policy *policy;          // of the handshake that is due, counted; NULL: none
    struct handshake handshake;     // its place among all of the worker's
    struct peer_name name;
    char problem[512];              // "": none
    // Reading.
    struct str piece;
    const char *problem_reading;    // NULL: there is a piece
};

// The socket that is a function's first argument, and the caller's own; a time limit, in ms, at an
// index. Errors for the plugin where they are not.
struct socket *socket_check(lua_State *L);
lua_Integer socket_check_time(lua_State *L, int index);
void socket_check_idle(lua_State *L, const struct socket *s);   // that nobody waits for it

// An error in ngx_lua's words; keeps one as the problem; gives nil and one to Lua.
const char *socket_text(err_t err);
void socket_set_problem(struct socket *s, const char *text);
int socket_give_problem(lua_State *L, const char *text);

// The link becomes the socket's.
void socket_attach(struct socket *s, struct link *k);
// Calls off what is under way, and closes the connection.
void socket_disconnect(struct socket *s);

// Has `c` wait until socket_opened(), `ms` at most.
int socket_wait_opened(lua_State *L, struct coroutine *c, struct socket *s, lua_Integer ms);
// Opening is over: with the problem that is set, or none; or with this one ("": none).
void socket_opened(struct socket *s);
void socket_opened_with(struct socket *s, const char *problem);

// For a new socket.
void socket_open_init(struct socket *s);

// connect(socket, host, port, ms, pool) -> true | nil, why
int socket_open_connect(lua_State *L);
// handshake(socket, ms) -> true | nil, why: under the policy that was set
int socket_open_handshake(lua_State *L);
