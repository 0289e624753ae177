// What a policy says about the protocol: versions, ciphers, groups, signature algorithms and the
// security level, put into an SSL_CTX.
//
// Private to tls/. Threads: any; nothing is kept.

#pragma once

#include "tls/policy.h"

#include <openssl/ssl.h>

// Sets everything. NULL, or what cannot be set: a list with an unknown word in it is refused as a
// whole, so that a slip of the pen cannot weaken it. Lists cannot change the security level and
// cannot bring in suites without authentication or encryption. An empty list leaves OpenSSL's or
// the machine's (openssl.cnf), but that OpenSSL's for TLS 1.3 then begins with AES-128.
const char *suites_apply(SSL_CTX *ctx, const struct policy_desc *d);

// Whether a client could be made: the same on a context of its own, where there is a list to check.
const char *suites_check(const struct policy_desc *d);
