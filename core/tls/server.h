// TLS towards clients: certificates chosen by SNI, and the filter that speaks it on accepted
// connections.
//
// Owner: a worker's view; connections that are open when the view goes keep it alive (counted).
// Threads: one worker's; the process-wide ticket key is made at start.

#pragma once

#include "net/conn.h"
#include "tls/credential.h"
#include "tls/trust.h"

struct tls_server;

// An SNI and the certificate for it: exact names, "*.example.com", "example.*", and "*" for the
// default (Kong's lookup order: exact, then leading wildcard, then trailing wildcard, then
// default).
struct tls_server_name {
    struct str name;
    struct credential *credential;
};

// `fallback` serves clients whose name matches none; NULL: they get the alert unrecognized_name.
err_t tls_server_new(const struct tls_server_name *names, unsigned count,
                     struct credential *fallback, struct tls_server **out, char why[TRUST_WHY]);
struct tls_server *tls_server_ref(struct tls_server *s);
void tls_server_unref(struct tls_server *s);

// Installs the filter; the handshake goes on as bytes arrive, then user->data gets plaintext.
// Failures: user->failed. `ask`, which may be NULL, is asked about the client as soon as its name
// is known and its certificate chosen; false ends the handshake with an alert. It must not close
// the connection.
err_t tls_server_start(struct tls_server *s, struct conn *c, bool (*ask)(struct conn *c));

// While `ask` runs: the client makes a full handshake, and gets no session.
bool tls_server_forbid_sessions(struct conn *c);

// While `ask` runs: the client is asked for a certificate, which it need not have and nobody
// verifies. Sessions would not carry the whole chain, so that there are none, either. The names of
// the CAs in `hint` (NULL: none) are sent along, as a hint which certificate to choose.
bool tls_server_request_certificate(struct conn *c, const struct trust *hint);

// What the client has presented, the leaf first, as PEM with a NUL; the caller frees it. STR_NONE:
// nothing.
struct str tls_server_client_chain(const struct conn *c);

struct str tls_server_sni(const struct conn *c);        // lower case, "" when none was sent
const char *tls_server_version(const struct conn *c);
const char *tls_server_cipher(const struct conn *c);
const char *tls_server_reason(const struct conn *c);
