// SHA-256 in pieces, for identities: what is interned and what is cached is found by it.
//
// Owner: the caller's stack between digest_begin() and digest_end(). Threads: any.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_SIZE = 32 };

struct digest {
    void *ctx;      // EVP_MD_CTX *
    bool ok;        // no step has failed
};

void digest_begin(struct digest *d);
void digest_add(struct digest *d, const void *p, size_t n);

// The length first, so that two neighbouring fields cannot be taken for other two.
void digest_add_field(struct digest *d, const void *p, size_t n);

// Frees what digest_begin() made. False when any step failed: `out` is then no digest.
bool digest_end(struct digest *d, unsigned char out[DIGEST_SIZE]);

// All in one.
bool digest_sha256(const void *p, size_t n, unsigned char out[DIGEST_SIZE]);

// Lower-case hex of n bytes, with a NUL.
void digest_hex(const unsigned char *p, size_t n, char *out);
