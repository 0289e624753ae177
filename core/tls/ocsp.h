// Stapled OCSP responses: what an upstream brings along to prove that its certificate is not
// revoked.
//
// weir asks no responder; what is judged came in the handshake. Private to tls/. Threads: any;
// nothing is kept.

#pragma once

#include "tls/policy.h"
#include "tls/verdict.h"

#include <openssl/x509.h>

struct ocsp_result {
    enum verdict_ocsp status;
    int openssl;            // X509_V_ERR_*, X509_V_OK when good
    const char *text;       // static: why it is not good
    int64_t until;          // how long a good one is good, unix seconds
};

// Judges the response `der` (n == 0: none was stapled) for `leaf`. It has to be signed by `issuer`,
// the certificate above it in the chain that was verified (NULL: there is none, and no response is
// good), or by a responder that `issuer` itself gave the extended key usage OCSPSigning, whose
// certificate is valid now; to be of this certificate; and to be current, give or take 5 minutes.
// One without nextUpdate would be good forever and is not. The policy says how strong keys and
// signatures have to be, and its revocation lists count for the certificate of a responder, too,
// unless the issuer wrote into that that nobody need look it up (id-pkix-ocsp-nocheck).
struct ocsp_result ocsp_judge(X509 *leaf, X509 *issuer, const unsigned char *der, size_t n,
                              const struct policy_desc *policy);

// Whether the certificate says that it never comes without a response (RFC 7633); what cannot be
// read is taken to say so.
bool ocsp_must_staple(X509 *leaf);
