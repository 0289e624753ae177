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
    const struct peer_name *name;
    struct verdict_cache *cache;
    struct verdict *verdict;        // filled
    int64_t chain_not_after;        // filled: earliest end of the chain; INT64_MAX: not verified
};

// Judges the chain that `store_ctx` (X509_STORE_CTX *, as OpenSSL hands it to a certificate
// verification callback, set up with the policy's trust bundle, depth, purpose and security level)
// holds. True when the handshake may go on; the verdict is filled in either case, and store_ctx
// carries the error from which OpenSSL chooses the alert.
//
// The chain is judged before the name, and the first error found is the one that counts.
bool verify_judge(struct verify *v, void *store_ctx, int64_t now);
