// One HTTP exchange with an upstream: connect or reuse, send the request, parse the response.
//
// Owner: the request, for one try. Threads: the worker's. A connection comes from a peer, the peer
// from a realm, the realm from the policy that the request was given: nothing else can be reached
// from here.

#pragma once

#include "http/h1.h"
#include "proxy/gather.h"
#include "proxy/peer.h"

struct request;
struct dial;

struct exchange {
    struct request *request;
    struct realms *realms;
    struct realm *realm;
    struct peer *peer;
    struct dial *dial;              // while connecting
    struct conn *fresh;             // while shaking hands: not the peer's yet
    struct peer_conn *pc;           // once it is usable
    struct h1 h1;
    struct gather out;              // to the upstream, this callback's
    struct peer_name name;          // what the certificate must carry
    struct handshake handshake;     // its place among the others
    uint64_t deadline;              // of wait, dial and handshake together, ms of the loop
    uint64_t taken;                 // loop turn in which a reused connection was taken
    bool reused;                    // the connection served before
    bool ready;                     // usable: the head may be sent
    bool chunked;                   // the request body goes out chunked
    bool sent_any, sent_all;        // the request: a byte of it, the whole of it
    bool head_seen, complete;       // the response
    bool clean;                     // nothing came after it
    bool failed;
};

// Begins a try to `addr` and sets r->exchange; request_connected() or pick_try_failed() follow,
// possibly before it returns. `policy` is NULL for plain HTTP; `derived` says that a plugin chose
// it; `name` is what the certificate must carry, `sni` what is sent.
void exchange_start(struct request *r, struct policy *policy, bool derived, const struct addr *addr,
                    const struct peer_name *name, const struct peer_name *sni);

// Sends. The bytes of `head` stay until the exchange ends; body pieces during the call that brought
// them.
void exchange_send_head(struct exchange *e, struct str head, bool chunked);
void exchange_send_body(struct exchange *e, struct str piece);
void exchange_send_end(struct exchange *e);
void exchange_flush(struct exchange *e);

// Sets the timer that fits what the exchange is waiting for.
void exchange_arm(struct exchange *e);

// Stops and starts reading the response, as the client's side can take it.
void exchange_pause(struct exchange *e);
void exchange_resume(struct exchange *e);

// Ends it: the connection goes back to its peer when both messages are complete and the upstream
// keeps it, else it is closed. The struct is in the request's arena; r->exchange is NULL
// afterwards.
void exchange_end(struct exchange *e);

// Why the last handshake failed, for the log: the verdict (NULL when the certificate was not the
// reason) and OpenSSL's text.
const struct verdict *exchange_verdict(const struct exchange *e);

// The verdict on its connection, fresh or reused, with all that is known (tls_client_describe());
// NULL: there is none.
const struct verdict *exchange_describe(const struct exchange *e);
const char *exchange_tls_reason(const struct exchange *e);
