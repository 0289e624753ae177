// TLS towards upstreams: an SSL_CTX made from one policy, and the filter that speaks it on a
// connection.
//
// Owner: a realm owns one tls_client; connections that are open when the realm goes keep it alive
// (counted). Threads: one worker's.
//
// The certificate is judged inside the handshake: a peer that fails gets the alert that says why,
// and never sees our client certificate or a byte of the request.

#pragma once

#include "net/conn.h"
#include "tls/policy.h"
#include "tls/shown.h"
#include "tls/session.h"
#include "tls/verify.h"

struct tls_client;

// Counters of one client context (base/counter.h), counted by the worker's thread.
struct tls_client_stats {
    uint64_t full, resumed, failed;     // handshakes
    uint64_t verdict_hits;              // chains judged by the verdict cache
    uint64_t reported;                  // went on in report mode, though enforcing would refuse
    uint64_t ocsp_soft;                 // went on without a good OCSP response, as soft OCSP allows
    uint64_t next_good, next_bad;       // as the `next` bundle judges
    // Handshakes that ended, by what their verdict was and by mode (POLICY_VERIFY first); those of
    // resumed sessions, too.
    uint64_t verdicts[POLICY_MODES][VERDICT_CODE_COUNT];
};

// Fails with err_tls_setup (and `why`): then there is nothing to connect with.
err_t tls_client_new(struct policy *policy, struct tls_client_stats *stats, struct tls_client **out,
                     char why[TRUST_WHY]);
void tls_client_free(struct tls_client *t);     // drops the owner's hold

// What a peer presented in a full handshake.
struct tls_presented {
    void *certs;                    // STACK_OF(X509) *, the leaf first
    unsigned char sha256[DIGEST_SIZE];      // verify_digest() of them
    int64_t at;                     // unix seconds
};

// Who connects.
struct tls_client_user {
    // The peer is verified; may close the connection.
    void (*ready)(struct conn *c);
    // Asked in each handshake under a policy with `judges`, once all else has passed: false
    // refuses, with the reason. Must not touch the connection. NULL: such a policy refuses
    // everybody.
    bool (*judge)(struct conn *c, const struct shown *chain, char said[VERDICT_SAID]);
};

// Installs the filter on a freshly dialled connection, starts reading and sends the ClientHello.
// user->ready is called once the peer is verified; failures arrive as user->failed: err_tls_verify
// (tls_client_verdict() tells), err_tls_handshake (tls_client_reason() tells),
// err_closed/err_reset. Sessions the peer sends go to *sessions as long as tls_client_forget() was
// not called; it must outlive the connection or be forgotten. `name` is what is verified where the
// policy names nothing else, `sni` what is sent (policy_sni_of()).
err_t tls_client_start(struct tls_client *t, struct conn *c, const struct peer_name *name,
                       const struct peer_name *sni, struct session_cache *sessions,
                       const struct tls_client_user *user);

// The connection outlives its peer: sessions that still arrive are dropped.
void tls_client_forget(struct conn *c);

// NULL before there was a certificate, and where a session was resumed. The connection's.
const struct tls_presented *tls_client_presented(const struct conn *c);

const struct verdict *tls_client_verdict(const struct conn *c);  // NULL before there is one

// The same with what is known of the leaf and the names also where the chain was good, which is
// found out once for a connection.
const struct verdict *tls_client_describe(struct conn *c);

// Since when and until when (unix seconds, the latter excluded) the peer would be judged as it was:
// a connection is not kept beyond. What was not verified, and what report mode let pass although it
// is not good, is the same at any time.
struct tls_span {
    int64_t from, until;
};

struct tls_span tls_client_span(const struct conn *c);

const char *tls_client_reason(const struct conn *c);    // OpenSSL's text of the failure, "" if none
const char *tls_client_version(const struct conn *c);   // "TLSv1.3"
const char *tls_client_cipher(const struct conn *c);
