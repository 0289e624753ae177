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
    const unsigned char *presented; // verify_digest() of what is judged, by which the cache finds
                                    // it; NULL: it does not
    bool describe;                  // the leaf and the names also of a chain that is good
    int64_t (*clock)(void);         // what the search for paths is timed by; NULL: path_clock()
    void **path;                    // filled, STACK_OF(X509) *, the caller's: a chain that passed,
                                    // from the leaf to the anchor; NULL here: not wanted
    struct verdict *verdict;        // filled
    int64_t bound;                  // filled: until when the verdict holds (end of the chain, next
                                    // update of a CRL); INT64_MAX: not verified, 0: not good
};

// A digest of the certificates that a peer presented (STACK_OF(X509) *), in their order. False: it
// cannot be had.
bool verify_digest(void *sent, unsigned char sha256[DIGEST_SIZE]);

// Judges the certificates that a peer presented (`sent`, STACK_OF(X509) *, the leaf first) by the
// policy. True when the handshake may go on; the verdict is filled in either case.
//
// The chain is judged before the names, these before the pins, and the first error found is the one
// that counts. Where OpenSSL's path fails and there might be another, weir searches (tls/path.h).
bool verify_sent(struct verify *v, void *sent, int64_t now);

// The same for an X509_STORE_CTX * as OpenSSL hands it to a certificate verification callback; it
// gets the error from which OpenSSL chooses the alert.
bool verify_judge(struct verify *v, void *store_ctx, int64_t now);

// After a chain has passed under a policy that asks for OCSP: judges what was stapled to it (`der`,
// n == 0: nothing) for `leaf` and `issuer` (X509 *). The verdict stays as it is, or says why not;
// the bound becomes that of the response if that is earlier. True when the handshake may go on.
bool verify_staple(struct verify *v, void *leaf, void *issuer, const unsigned char *der, size_t n);

// What issued the leaf of a path (X509 *, the path's); NULL where it has none.
void *verify_issuer(void *path);

// After a chain has passed, or was not to be verified: a plugin refuses it, and `said` why. True
// when the handshake may go on all the same, which is so in report mode.
bool verify_refuse(struct verify *v, void *leaf, const char *said);

// Fills what concerns the leaf: subject, issuer, digest, validity, names seen, and the names that
// the policy wants of a connection to `name`, which may be NULL.
void verify_describe(struct verdict *v, void *leaf, const struct policy *policy,
                     const struct peer_name *name);
