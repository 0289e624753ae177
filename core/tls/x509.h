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

// All that people ask of one certificate. Texts are cut to size; a list that does not fit ends in
// "...".
struct x509_detail {
    int64_t not_before, not_after;  // unix seconds
    int version;                    // 3, as a rule
    bool is_ca;                     // basicConstraints CA:TRUE
    int path_length;                // of basicConstraints; -1: none
    int key_bits;                   // 0: the key cannot be read
    char key_type[32];              // "RSA", "EC", "ED25519"; "" as key_bits
    char key_group[32];             // "P-256"; "" for keys without
    char signature[64];             // "ecdsa-with-SHA256"
    char serial[64];                // hex
    char sha256[65];                // of the DER, hex
    char spki_sha256[65];           // of the SubjectPublicKeyInfo, hex
    char key_id[65], issuer_key_id[65];     // key identifiers, hex; "" where there are none
    char subject[256], issuer[256]; // RFC 2253
    char names[512];                // subjectAltName: "DNS:a, IP:b, URI:c, email:d"
    char key_usage[128];            // "digitalSignature, keyCertSign"; "" where there is none
    char purposes[256];             // extended key usage: "serverAuth, clientAuth"; "" as above
};

// Describes the `index`-th certificate of the text, which may be past the last; *count gets how
// many there are. Only that one is decoded. Fails with err_tls_setup and `why`.
err_t x509_describe(struct str pem, unsigned index, struct x509_detail *out, unsigned *count,
                    char why[256]);

// The same of a certificate at hand (X509 *). False when a digest of it cannot be had.
bool x509_detail_of(void *x509, struct x509_detail *out);

// Digests of configuration: SHA-1 for version 5 UUIDs (RFC 9562 §5.5), nothing else. Fails with
// err_tls_setup where the OpenSSL in use forbids it.
err_t x509_sha1(struct str s, unsigned char out[20]);
