// An open connection of a cosocket, with what it was verified by; between two users it is idle in a
// pool.
//
// Pools are found by a name that Lua chooses. What makes TLS connections safe to share is not that
// name but link_is_for(): one that was verified under a policy and for a name is never used under
// another policy or for another name.
//
// Owner: a socket (socket.c), or the pool. Threads: the worker's.

#pragma once

#include "base/table.h"
#include "net/idle.h"
#include "proxy/peer.h"

struct vm;

struct link {
    struct vm *vm;
    struct conn *conn;
    struct addr addr;           // where it leads; len 0: a Unix socket,
    struct str path;            // and its path, the link's own copy
    struct realm *realm;        // NULL: no TLS
    struct peer *peer;          // in the realm
    struct tls_span span;       // of what the peer was verified by
    unsigned reused;            // how often it came out of a pool
    struct link_pool *pool;     // while it is idle,
    struct idle idle;           // in the pool,
    struct list by_age;         // and in that of struct link_pools
};

// A VM's idle links.
struct link_pools {
    struct table by_name;       // struct link_pool
    struct list by_age;         // all links, newest first
    unsigned count;
};

// A connection that was dialled just now, to an address or to the path of a Unix socket.
struct link *link_new(struct vm *vm, struct conn *c, const struct addr *addr);
struct link *link_new_unix(struct vm *vm, struct conn *c, struct str path);

// Puts the connection under a policy: the realm and the peer that `link->realm` and `peer` are from
// then on. Fails with err_tls_setup and `why`.
err_t link_set_policy(struct link *k, struct policy *policy, const struct peer_name *name,
                      char why[TRUST_WHY]);

// Whether it was verified under just this policy and for this name, and that still holds.
bool link_is_for(const struct link *k, const struct policy *policy, const struct peer_name *name);

// What is still to be sent goes out first.
void link_close(struct link *k);

// The idle link of a pool that was used last, or NULL. Its user is the caller's to set.
struct link *link_take(struct vm *vm, struct str pool);

// What of idle links there may be at most.
struct link_bounds {
    unsigned pool_size;         // in the pool, at least 1
    unsigned all_pools;         // in all pools of the VM together, at least 1
    uint64_t idle_ms;           // how long this one is kept, 0: for ever
};

// Hands it over: it is closed when its time is over, when anything arrives on it, and when it is
// the oldest of more than there may be.
void link_give(struct link *k, struct str pool, const struct link_bounds *bounds);

void links_init(struct link_pools *pools);
// Closes all idle links of a VM.
void links_done(struct link_pools *pools);
