// Private and public keys of plugins: signing, verifying signatures, writing them down.
//
// Owner: whoever read it. Threads: one at a time; nothing of a key changes once it is read.

#pragma once

#include "base/str.h"

struct key;

enum { KEY_WHY = 256 };

// A key as PEM or DER, private or public, in any form that OpenSSL knows and that no passphrase
// protects. NULL with `why`.
struct key *key_read(struct str text, char why[KEY_WHY]);
// The public key of the first certificate of a PEM text.
struct key *key_of_certificate(struct str pem, char why[KEY_WHY]);
void key_free(struct key *k);

const char *key_type(const struct key *k);      // "RSA", "EC", "ED25519", …
size_t key_size(const struct key *k);           // bytes of a signature, at most
bool key_is_private(const struct key *k);

// What is signed, and how.
struct key_how {
    struct str digest;      // of the data, by OpenSSL's name; n == 0: the key's own way
    bool hashed;            // the data is that digest already
    bool pss;               // RSA: PSS instead of PKCS #1 version 1.5
    int salt;               // PSS: its length; -1: of the digest, and any length when verifying
    bool raw;               // EC: r and s at full length instead of DER
};

// Writes at most `room` bytes. The length, 0 on failure with `why`.
size_t key_sign(const struct key *k, const struct key_how *how, struct str data, char *out,
                size_t room, char why[KEY_WHY]);

enum key_answer { KEY_GOOD, KEY_BAD, KEY_FAILED };
// KEY_FAILED, with `why`: the signature cannot be one of this key's, or it could not be checked.
enum key_answer key_verify(const struct key *k, const struct key_how *how, struct str signature,
                           struct str data, char why[KEY_WHY]);

// The private (unprotected) or public key as PEM or DER: its length, of which at most `room` bytes
// are written; 0 on failure with `why`.
size_t key_write(const struct key *k, bool as_private, bool as_pem, char *out, size_t room,
                 char why[KEY_WHY]);
