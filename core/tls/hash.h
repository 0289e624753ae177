// Digests and HMACs by name, in pieces, for plugins. Identities use tls/digest.h.
//
// Owner: whoever made it. Threads: one at a time.

#pragma once

#include "base/str.h"

struct hash;

enum { HASH_MOST = 64 };        // bytes of the longest digest

// A digest of OpenSSL's ("sha256", "MD5", "sha3-512"); with a key its HMAC. NULL when OpenSSL does
// not have it, or has it with a length of the caller's choice.
struct hash *hash_new(struct str name, const struct str *key);
void hash_free(struct hash *h);

// False when a step failed: what follows fails, too, until hash_reset().
bool hash_add(struct hash *h, struct str data);
// The digest of what was added so far, with its length; 0: a step failed. Nothing can be added
// afterwards.
size_t hash_end(struct hash *h, unsigned char out[HASH_MOST]);
// Begins anew, with the same key.
bool hash_reset(struct hash *h);

// A key of n bytes from a password (PBKDF2 with the HMAC of a digest). NULL, or why there is none:
// it keeps the thread busy, so all blocks together take no more than HASH_ROUNDS_MOST iterations,
// which is about a second.
enum { HASH_ROUNDS_MOST = 1000000 };
const char *hash_pbkdf2(struct str name, struct str password, struct str salt, unsigned iterations,
                        unsigned char *out, size_t n);

// All in one: the length, 0 on failure.
size_t hash_once(struct str name, const struct str *key, struct str data,
                 unsigned char out[HASH_MOST]);
