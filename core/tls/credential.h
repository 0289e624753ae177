// A certificate chain with its private key: what weir shows to upstreams (client certificate) or to
// clients.
//
// Interned by content, immutable, reference counted like struct trust. Threads: any.

#pragma once

#include "base/error.h"
#include "base/str.h"
#include "tls/trust.h"

struct credential {
    unsigned refs;              // atomic
    unsigned char sha256[32];   // over the chain's and the key's DER
    char id[TRUST_ID + 1];
    int64_t not_after;          // of the leaf
    void *leaf;                 // X509 *
    void *chain;                // STACK_OF(X509) *, without the leaf
    void *key;                  // EVP_PKEY *
};

// `cert` is PEM, leaf first; `key` is PEM, not encrypted. Fails with err_tls_setup and Kong's
// texts: "invalid certificate: …", "invalid key: …", "certificate does not match key".
err_t credential_intern(struct str cert, struct str key, struct credential **out,
                        char why[TRUST_WHY]);
struct credential *credential_ref(struct credential *c);
void credential_unref(struct credential *c);
