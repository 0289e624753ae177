// Listening sockets: bound early (by the supervisor, which keeps them over restarts), accepted from
// by loops.
//
// Owner: descriptors belong to whoever bound them; a listener to the loop that accepts from it.
// Threads: the loop's.

#pragma once

#include "net/conn.h"

struct listen_options {
    int backlog;            // 0: 16384, Kong's default
    bool reuseport;         // several sockets on one address, one per worker
    bool deferred;          // TCP_DEFER_ACCEPT
    int ipv6only;           // -1: the system's default
    int keepalive;          // SO_KEEPALIVE; -1: the system's default
};

// Binds and listens; on failure `why` (at least 128 bytes) says what the system said.
err_t listen_bind(const struct addr *a, const struct listen_options *o, int *fd, char *why,
                  size_t len);

// The address that a bound socket really has (its port, when 0 was asked for).
void listen_local(int fd, struct addr *out);

// Refuses connections from now on, also for the other processes that hold the socket.
void listen_refuse(int fd);

struct listener {
    struct loop *loop;
    struct watch *watch;
    int fd;
    void (*accepted)(struct listener *l, struct conn *c);
    void *owner;
    struct addr local;
    struct timer retry;     // armed while the process is out of descriptors
    uint64_t complain_at;   // ms of the loop's clock; not before it that is logged again
    bool accepting, closing;
};

// Accepts on `fd` (a duplicate is made, so that the descriptor survives the listener). Connections
// have TCP_NODELAY. Out of descriptors, it logs once a second and goes on when some are free again;
// clients wait in the backlog meanwhile. NULL when the descriptor cannot be duplicated or waited
// for.
struct listener *listener_open(struct loop *l, int fd,
                               void (*accepted)(struct listener *, struct conn *), void *owner);
void listener_close(struct listener *l);   // frees it; may be called from within `accepted`
