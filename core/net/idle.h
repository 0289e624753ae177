// A connection between two users: open, with nothing under way. Whatever happens to it ends it
// (bytes, FIN, an error, the end of its time): an answer that nobody asked for is never the answer
// to the next request.
//
// Owner: embedded in what keeps the connection for its next user (proxy/peer.h, vm/link.h).
// Threads: the loop's.

#pragma once

#include "base/list.h"
#include "net/conn.h"

struct idle {
    struct list node;               // in a list of the owner's, while it is idle
    void (*over)(struct idle *i);   // something happened: unlinks it and closes the connection
};

extern const struct conn_user idle_user;

static inline void idle_init(struct idle *i, void (*over)(struct idle *i))
{
    list_init(&i->node);
    i->over = over;
}

// The connection, which reads already, is idle from now on, for `ms` at most (0: for ever).
static inline void idle_begin(struct idle *i, struct conn *c, uint64_t ms)
{
    conn_set_user(c, &idle_user, i);
    conn_set_timeout(c, ms, false);
    conn_resume(c);
}

// Whether an idle connection may be used again. Its time may have passed, or its peer gone, in this
// very turn: then the news is on its way to over().
static inline bool idle_is_quiet(const struct conn *c)
{
    return list_empty(&c->resume.node);
}
