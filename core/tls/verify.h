// Judging a peer's certificate chain: the one place where a certificate becomes a verdict.
//
// Threads: a worker's.

#pragma once

#include "tls/peer_name.h"
#include "tls/policy.h"
#include "tls/verdict.h"

// What one handshake is judged by, and what came of it.
struct verify {
    const struct policy *policy;
    const struct peer_name *name;   // the connection's; NULL: only names of the policy are wanted
    struct verdict_cache *cache;    // NULL: every chain is judged in full
    bool describe;                  // the leaf and the names also of a chain that is good
    struct verdict *verdict;        // filled
    int64_t bound;                  // filled: until when the verdict holds (end of the chain, next
                                    // update of a CRL); INT64_MAX: not verified, 0: not good
};

// Judges the certificates that a peer presented (`sent`, STACK_OF(X509) *, the leaf first) by the
// policy. True when the handshake may go on; the verdict is filled in either case.
//
// The chain is judged before the names, these before the pins, and the first error found is the one
// that counts. Where OpenSSL's path fails and there might be another, weir searches (tls/path.h).
bool verify_sent(struct verify *v, void *sent, int64_t now);

// The same for an X509_STORE_CTX * as OpenSSL hands it to a certificate verification callback; it
// gets the error from which OpenSSL chooses the alert.
bool verify_judge(struct verify *v, void *store_ctx, int64_t now);

// Fills what concerns the leaf: subject, issuer, digest, validity, names seen.
void verify_describe(struct verdict *v, void *x509);
