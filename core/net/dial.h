// Connecting without waiting: one attempt to one address, with a time limit.
//
// Owner: whoever started it, until the callback or dial_cancel(). Threads: the loop's.

#pragma once

#include "net/conn.h"

struct dial;

// Calls done(arg, conn, NULL) with a connection that does not read yet, or done(arg, NULL, error)
// with err_refused, err_unreachable, err_connect_timeout, err_descriptors, err_io; never before it
// returned.
struct dial *dial_start(struct loop *l, const struct addr *to, uint64_t timeout_ms,
                        void (*done)(void *arg, struct conn *c, err_t err), void *arg);
void dial_cancel(struct dial *d);   // done is not called

// Connects to a Unix socket, which never takes time. Fails with err_no_file, err_refused,
// err_address (the path is too long), err_descriptors or err_io.
err_t dial_unix(struct loop *l, struct str path, struct conn **out);
