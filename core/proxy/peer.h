// One place to connect to under one policy: an address, and the name its certificate must carry.
// Owns the idle connections and the TLS sessions made there.
//
// Owner: its realm. Threads: the worker's. Lives while exchanges use it or it holds idle
// connections, and a minute longer for its sessions.

#pragma once

#include "base/list.h"
#include "net/addr.h"
#include "net/idle.h"
#include "proxy/realm.h"
#include "proxy/waiters.h"
#include "tls/session.h"
#include "tls/verify.h"

// Peers of one realm: above this many, those without use go at once (a Host header can be
// anything).
enum { PEERS_MANY = 1024 };

struct peer {
    struct realm *realm;
    struct addr addr;
    struct peer_name name;          // "" for plain HTTP
    struct peer_name sni;           // what is sent: a peer may answer each with another certificate
    struct list idle;               // struct peer_conn, newest first
    unsigned idle_count;
    unsigned users;                 // exchanges under way
    struct wait_queue queue;        // of those who wait for a connection
    struct wait_queue sockets;      // of plugins' sockets that wait to shake hands
    struct session_cache sessions;
    uint64_t hash;
    uint64_t last_used;             // ms
};

// The peer of (address, name, SNI) in a realm, made on first use, until peer_leave().
struct peer *peer_enter(struct realms *r, struct realm *m, const struct addr *addr,
                        const struct peer_name *name, const struct peer_name *sni);
void peer_leave(struct realms *r, struct peer *p);

// A connection to a peer, for as long as it is open: used by one exchange at a time, else in the
// peer's idle list.
struct peer_conn {
    struct idle idle;               // in the peer's list of that name
    struct realms *realms;
    struct peer *peer;
    struct conn *conn;
    unsigned requests;              // complete exchanges
    struct tls_span span;           // of what the peer was verified by
};

// A new connection (dialled, and verified where the policy says so) becomes the peer's.
struct peer_conn *peer_conn_new(struct realms *r, struct peer *p, struct conn *c);
void peer_conn_close(struct peer_conn *pc);     // closes the connection too

// The newest idle connection that nothing has happened to and whose span is not over, or NULL. The
// caller owns it and sets its user.
struct peer_conn *peer_take(struct peer *p);

// Takes a connection back that is between messages. It is closed instead when the realm is retired,
// the pool is full, the connection has served enough or still has something to send or to deliver,
// or when its span is over; and later at the span's end. (What verification depends on besides time
// is the policy, and another policy is another realm.)
// Who waits for one gets it at the end of the loop's turn. Anything that arrives on an idle
// connection (bytes, FIN) closes it: an answer that nobody asked for is never the answer to the
// next request.
void peer_give(struct peer_conn *pc);

// Drops idle connections and sessions (the realm is retired); frees the peer with all it owns.
void peer_forget(struct peer *p);
void peer_free(struct peer *p);

// Frees the peers of a realm that nobody has used for REALM_UNUSED ms.
void peers_sweep(struct realms *r, struct realm *m);
