// How many TLS handshakes with upstreams are under way at once, and who waits for one to end. A
// burst of them would else stall the connections that are established.
//
// Owner: the worker's struct realms. Threads: the worker's; others read `waiting`
// (base/counter.h).
//
// A try at an upstream counts from its dial to the end of its handshake. Beyond the limit, tries
// wait in their peer's queue, oldest first, and the peers take turns. A connection of the peer that
// becomes free meanwhile serves the oldest waiter of that peer. A handshake that takes long waits
// for the network and not for this processor: after HANDSHAKE_LONG ms it counts no more while
// others wait, so that an upstream that does not answer does not keep them from theirs.
//
// Plugins' own sockets count and wait with them, each from its handshake on and in a queue of its
// peer's sockets, which gets no connections.

#pragma once

#include "net/loop.h"

struct peer_conn;

enum { HANDSHAKE_LONG = 1000 };     // ms

struct waiters {
    struct loop *loop;
    uint32_t max;               // handshakes under way at once, 0: any number
    uint32_t running;           // that count
    uint64_t waiting;           // tries in all queues
    struct list under_way;      // struct handshake of the running ones, oldest first
    struct list queues;         // struct wait_queue that somebody waits in, the next one first
    struct list fed;            // those of them whose peer has a free connection
    struct task serve;
    struct timer look;          // at who runs for too long, while somebody waits
};

// A peer's queue, of tries or of sockets: embedded in struct peer.
struct wait_queue {
    struct list node, fed;      // in the lists of that name
    struct list handshakes;     // struct handshake, oldest first
};

// A try's or socket's place: embedded in struct exchange and struct socket.
struct handshake {
    struct list node;           // in its queue, or under way
    struct wait_queue *queue;   // NULL: it does not wait
    uint64_t since;             // ms: its handshake began
    struct timer timer;
    struct waiters *waiters;
    // The wait is over: with a connection that is the callee's, with an error, or with neither:
    // then it is under way.
    void (*come)(struct handshake *h, struct peer_conn *pc, err_t err);
};

void waiters_init(struct waiters *w, struct loop *loop);
void waiters_done(struct waiters *w);       // nobody waits any more
void waiters_limit(struct waiters *w, uint32_t max);

void wait_queue_init(struct wait_queue *q);

void handshake_init(struct handshake *h, struct waiters *w,
                    void (*come)(struct handshake *h, struct peer_conn *pc, err_t err));
// Counts the try as under way; false: it has to wait.
bool handshake_begin(struct handshake *h);
// Waits; `come` is called once and not before this returned, with err_handshake_wait after `ms`.
void handshake_wait(struct handshake *h, struct wait_queue *q, uint64_t ms);
// The handshake is over, or nobody wants it any more; harmless at any other time.
void handshake_end(struct handshake *h);

// The peer whose queue it is has a free connection.
void waiters_feed(struct waiters *w, struct wait_queue *q);
