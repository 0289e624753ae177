// The window between OpenSSL and a loop's scratch memory: reads come out of the bytes that just
// arrived, writes gather in the loop's output block and leave in one piece.
//
// Owner: the filter of one connection (tls/filter.h). Threads: the loop's. Valid within one
// callback: OpenSSL itself keeps a partial record, so the input is drained and the output flushed
// when the callback returns, and before anybody else gets to run who could write on another
// connection of the loop.

#pragma once

#include "net/conn.h"

struct bio_window {
    const char *in;     // not yet read by OpenSSL
    size_t in_len;
    size_t out_len;     // bytes of conn->loop->out filled
    struct conn *conn;
};

// A BIO * on the window, owned by the SSL that it is set on; NULL when OpenSSL cannot make one.
void *bio_new(struct bio_window *w);

void bio_flush(struct bio_window *w);       // passes the output block to conn_write_raw()
