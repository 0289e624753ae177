// TLS on a connection, either side: drives OpenSSL with the bytes that arrive and the bytes to be
// sent.
//
// Private to tls/. client.c and server.c embed the filter as the first member of their state, which
// is the connection's `state`, and differ in three hooks. Owner: the connection. Threads: the
// loop's.
//
//   handshaking --finished() ok--> established --close_notify--> established, reading over
//        |                              |
//        +------------ failed <---------+     nothing enters OpenSSL any more

#pragma once

#include "net/conn.h"
#include "tls/bio.h"

#include <openssl/ssl.h>

enum { FILTER_REASON = 256 };

struct filter_hooks {
    // The handshake is done as far as OpenSSL is concerned. An error refuses the connection:
    // nothing is delivered or sent on it.
    err_t (*finished)(struct conn *c);
    // Everything is settled; the hook may call the user, who may close the connection. May be NULL.
    void (*ready)(struct conn *c);
    // The handshake failed; says as what.
    err_t (*refused)(struct conn *c);
    // Frees what surrounds the filter, itself included.
    void (*free)(void *state);
};

struct filter {
    SSL *ssl;
    struct bio_window window;
    const struct filter_hooks *hooks;
    bool established, over, failed;     // over: close_notify has arrived
    char *last;                         // our last message of the handshake, while ready() runs
    size_t last_len;
    char reason[FILTER_REASON];         // OpenSSL's text of the failure
};

// Makes the SSL of `ctx`, attached to `f` (SSL_get_app_data() gives it back). Fails with
// err_tls_setup; `f` then needs no clean-up.
err_t filter_init(struct filter *f, SSL_CTX *ctx, const struct filter_hooks *hooks, struct conn *c);

// Frees the SSL. A session stays good unless the connection failed.
void filter_done(struct filter *f);

// The filter of a connection that carries one of these hooks; NULL when it carries something else.
struct filter *filter_of(const struct conn *c, const struct filter_hooks *hooks);

// Puts it on the connection, whose state it frees from now on.
void filter_install(struct conn *c, struct filter *f);

// Takes a step of the handshake; sends what it has to say.
void filter_handshake(struct conn *c);
