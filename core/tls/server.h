// TLS towards clients: certificates chosen by SNI, and the filter that speaks it on accepted
// connections.
//
// Owner: a worker's view; connections that are open when the view goes keep it alive (counted).
// Threads: one worker's; the process-wide ticket key is made at start.

#pragma once

#include "net/conn.h"
#include "tls/credential.h"

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
// Failures: user->failed.
err_t tls_server_start(struct tls_server *s, struct conn *c);

struct str tls_server_sni(const struct conn *c);        // lower case, "" when none was sent
const char *tls_server_version(const struct conn *c);
const char *tls_server_cipher(const struct conn *c);
const char *tls_server_reason(const struct conn *c);
