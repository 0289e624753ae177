// One byte connection over TCP: reads land in the loop's scratch. Large writes go straight to the
// kernel; small ones wait for the end of the turn (loop_batch()), when those of all connections go
// out together: peers are woken up less often, and all of a connection's are one call. Besides
// these, a connection owns only what a slow side leaves over.
//
// Owner: its user (a client session or an upstream exchange) from accept or dial until conn_close()
// or conn_finish(); after that the connection frees itself and calls nobody. Threads: the loop's.
//
//   kernel -> loop->in -> [filter->input -> conn_deliver] -> user->data
//   conn_write -> [filter->output ->] conn_write_raw -> (`joined` ->) kernel, the rest to `pending`
//
// The filter slot holds TLS (tls/client.h, tls/server.h); without one the bytes are plain.
// Backpressure: a user that cannot take more pauses the connection it reads from when the one it
// writes to is congested (pending above CONN_HIGH), and resumes it from the `drained` callback
// (pending below CONN_LOW).

#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/wheel.h"
#include "net/addr.h"
#include "net/loop.h"

enum { CONN_HIGH = 64 * 1024, CONN_LOW = 16 * 1024 };

struct conn;

// Who uses the bytes. All callbacks may close the connection.
struct conn_user {
    // Bytes arrived; `p` is valid during the call. Returns how many were taken; taking fewer than n
    // pauses the connection, which keeps the rest and offers it again after conn_resume().
    size_t (*data)(struct conn *c, const char *p, size_t n);
    // The peer will send no more, and all it sent has been taken. With TLS only after close_notify;
    // a bare FIN under TLS is err_tls_truncated to `failed`.
    void (*eof)(struct conn *c);
    // The connection was congested and is not any more.
    void (*drained)(struct conn *c);
    // It broke (reset, TLS error) or its timeout passed. Nothing more arrives; the user must close
    // it. After a timeout it may still write a last answer and conn_finish() it.
    void (*failed)(struct conn *c, err_t why);
};

// What transforms the bytes: installed by conn_set_filter(), removed never.
struct conn_filter {
    // Raw bytes arrived, all of which the filter takes; it hands plaintext to conn_deliver(), the
    // end of the peer's data to conn_deliver_eof(), errors to conn_fail().
    void (*input)(struct conn *c, const char *p, size_t n);
    // FIN arrived on the raw connection.
    void (*input_eof)(struct conn *c);
    // Transforms and passes on with conn_write_raw(). An error breaks the connection.
    err_t (*output)(struct conn *c, const struct str *v, int count);
    // Says goodbye (close_notify), if that is possible without waiting.
    void (*goodbye)(struct conn *c);
    // Frees the state.
    void (*done)(struct conn *c, void *state);
};

struct conn {
    struct loop *loop;
    const struct conn_user *user;
    void *owner;                        // the user's
    const struct conn_filter *filter;   // NULL: plain
    void *state;                        // the filter's
    struct buf joined;                  // raw bytes that go out at the end of the turn
    struct buf pending;                 // raw bytes that the kernel did not take yet
    struct buf held;                    // delivered bytes that the user did not take yet
    struct timer timer;
    struct task resume;
    uint64_t id;                        // process-wide number, as after the asterisk in log lines
    uint64_t timeout;                   // ms; see conn_set_timeout()
    uint64_t bytes_in, bytes_out;       // raw
    struct addr peer, local;
    bool rearm;                         // the timeout counts from the last progress
    bool paused, reading, writing, congested, eof, eof_told, broken, closing, finishing;
};

// Takes over a connected, non-blocking socket; the caller sets user and owner before the next turn.
// NULL when the descriptor cannot be used (it is closed then).
struct conn *conn_from_fd(struct loop *l, int fd);

void conn_set_user(struct conn *c, const struct conn_user *user, void *owner);
void conn_set_filter(struct conn *c, const struct conn_filter *filter, void *state);

// Starts reading (new connections do not read until told).
void conn_start(struct conn *c);

// Sends the slices in order; all is taken, nothing is kept by reference. What is small leaves at
// the end of the turn, with what is not, or with conn_flush(). After it, conn_congested() says
// whether the writer should hold back. Failures are reported through user->failed, later in the
// turn: after what the peer sent before it closed, so that an early answer is not lost.
void conn_write(struct conn *c, const struct str *v, int count);
void conn_flush(struct conn *c);
static inline bool conn_congested(const struct conn *c)
{
    return c->congested;
}

// Stops offering bytes; a bounded amount is still read and held, so that a reset or FIN is noticed.
// With nothing held both are told also to a user that paused; else after the held bytes, once it
// resumes.
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);   // held bytes are offered at the end of the turn

// user->failed(err_read_timeout, or err_write_timeout when output is pending) after `ms`: with
// `rearm` counted from the last byte moved in either direction, else absolute. 0 switches it off.
void conn_set_timeout(struct conn *c, uint64_t ms, bool rearm);

// Drops it at once: output that the kernel does not take now is lost (reset, if there is unread
// input). It counts in loop->conns until libuv let go of it, a turn later.
void conn_close(struct conn *c);

// Sends what is pending, says goodbye, shuts down writing, discards input until the peer closes or
// `linger` ms pass, then closes: so that a peer still sending gets to read our last answer. A peer
// that does not take what is pending has the timeout of conn_set_timeout(), or else a minute
// without progress.
void conn_finish(struct conn *c, uint64_t linger);

// For filters.
void conn_write_raw(struct conn *c, const char *p, size_t n);
void conn_deliver(struct conn *c, const char *p, size_t n);
void conn_deliver_eof(struct conn *c);
// Stops reading and tells the user, once: at the end of the turn, or after the bytes that are held
// for it. What the filter still writes (an alert) goes out.
void conn_fail(struct conn *c, err_t why);
