// Certificate revocation lists that a policy consults, parsed once and shared.
//
// Interned by content like trust bundles; immutable. Owner: reference counted. Threads: any.

#pragma once

#include "base/error.h"
#include "base/str.h"

enum { CRL_WHY = 256 };

struct crls {
    unsigned refs;              // atomic
    unsigned char sha256[32];   // over the sorted SHA-256s of the lists' DER
    unsigned count;
    int64_t *next_updates;      // of each, unix seconds
    void *stack;                // STACK_OF(X509_CRL) *
};

// Interns the lists of `count` PEM texts, each with one or more blocks "X509 CRL". A list without
// nextUpdate is refused: nobody could tell when it is out of date. Fails with err_tls_setup and
// `why`.
err_t crls_intern(const struct str *pems, unsigned count, struct crls **out, char why[CRL_WHY]);
struct crls *crls_ref(struct crls *c);
void crls_unref(struct crls *c);    // NULL is fine

// Until when a verdict that was reached with them at `now` holds, unix seconds: the next of their
// updates. A list that is out of date already was not what spoke for the chain.
int64_t crls_bound(const struct crls *c, int64_t now);
unsigned crls_interned(void);
