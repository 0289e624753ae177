// Questions about PEM texts that configuration asks before anything is built from them.
//
// Threads: any; nothing is kept.

#pragma once

#include "base/error.h"
#include "base/str.h"

struct x509_info {
    int64_t not_before, not_after;  // unix seconds
    bool is_ca;                     // basicConstraints CA:TRUE
    char sha256[65];                // of the DER, hex
    char subject[256];              // RFC 2253
};

// Fills at most `max` entries, one for each certificate of the text; *count gets how many there
// are. Fails with err_tls_setup and `why`.
err_t x509_info(struct str pem, struct x509_info *out, unsigned max, unsigned *count,
                char why[256]);

// Digests of configuration: SHA-1 for version 5 UUIDs (RFC 9562 §5.5), nothing else. Fails with
// err_tls_setup where the OpenSSL in use forbids it.
err_t x509_sha1(struct str s, unsigned char out[20]);
