// One handshake with an upstream for the command line: connects, judges, closes.
//
// Threads: any without a loop that runs; it has a loop of its own and blocks until it is done.

#pragma once

#include "net/addr.h"
#include "tls/verify.h"

// Shakes hands at `to` as a request under this policy would; the name is verified (where the policy
// names nothing else) and sent as SNI. `chain` gets the certificates that were presented as PEM,
// cut at a whole certificate to fit `cap` with a NUL.
//
// NULL: a verdict is in *out, be it good or a refusal. An error with `why`: nothing was judged (its
// code is VERDICT_UNVERIFIED), or the handshake failed after it.
err_t probe_run(const struct addr *to, struct policy *policy, const struct peer_name *name,
                uint64_t timeout_ms, struct verdict *out, char *chain, size_t cap,
                char why[TRUST_WHY]);
