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

// All in one: the length, 0 on failure.
size_t hash_once(struct str name, const struct str *key, struct str data,
                 unsigned char out[HASH_MOST]);
