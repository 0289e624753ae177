// A cosocket: a TCP or Unix stream that Lua code waits on (lua/weir/ngx/socket/tcp.lua, which keeps
// what was received and not read yet).
//
// Owner: Lua's garbage collector; but it belongs to the scope that made it, which closes it when it
// ends. Threads: the worker's.
//
// At most one coroutine opens it (connects, or shakes hands), else one may read while another
// writes. Timeouts leave the connection as it is, but for those of opening, which close it.

#pragma once

#include "net/dial.h"
#include "net/resolve.h"
#include "vm/link.h"
#include "vm/state.h"

struct socket {
    struct scope *scope;            // whose it is, NULL: that is over
    struct list node;               // in scope->sockets
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
    struct peer_name name;
    char problem[512];              // "": none
    // Reading.
    struct str piece;
    const char *problem_reading;    // NULL: there is a piece
};

// Closes it and leaves its scope.
void socket_release(struct socket *s);
