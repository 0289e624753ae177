// A trust bundle: the CA certificates that a policy may end a chain at, parsed once and shared.
//
// Interned by content: the same certificates in another order, file or with duplicates are the same
// object, so pointers can be compared. Immutable. An empty bundle is legal and trusts nobody; there
// is no default store.
//
// Owner: reference counted; the intern table holds no reference, the last trust_unref() frees it.
// Threads: any; the store is only read once it is interned.

#pragma once

#include "base/error.h"
#include "base/str.h"

enum { TRUST_ID = 16 };

struct trust {
    unsigned refs;              // atomic
    unsigned count;             // certificates
    unsigned char sha256[32];   // over the sorted SHA-256s of the certificates' DER
    char id[TRUST_ID + 1];      // first bytes of it in hex, for logs
    int64_t not_after;          // earliest end of a member, unix seconds; INT64_MAX when empty
    void *store;                // X509_STORE *, in libctx_client()
};

enum { TRUST_WHY = 256 };

// Interns the certificates of `count` PEM texts (each may hold several). Text between the blocks is
// ignored, as in OpenSSL's files; a block that is not a certificate, or does not parse, is an
// error: err_tls_setup, with `why` saying which block of which text and OpenSSL's reason.
err_t trust_intern(const struct str *pems, unsigned count, struct trust **out, char why[TRUST_WHY]);
struct trust *trust_ref(struct trust *t);
void trust_unref(struct trust *t);   // NULL is fine
unsigned trust_interned(void);       // live bundles, for counters and specs
