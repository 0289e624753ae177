// Interning by content: equal descriptions are one object, found by their SHA-256.
//
// An interned object starts with `unsigned refs` (this file's, atomic) and holds its digest at
// `digest_at`. The table holds no reference: the last intern_unref() takes the object out and frees
// it. Owner: the file of the kind (trust.c, credential.c, policy.c), statically. Threads: any.

#pragma once

#include "base/table.h"
#include "tls/digest.h"

#include <pthread.h>

struct intern {
    pthread_mutex_t mutex;
    struct table table;
    size_t digest_at;               // offset of the digest in the object
    void (*destroy)(void *object);  // frees it; called without the mutex
};

// The object with this digest, with a new reference for the caller, or NULL.
void *intern_find(struct intern *i, const unsigned char digest[DIGEST_SIZE]);

// Adds `object`, whose refs this sets to 1, or gives back an equal one that another thread added
// meanwhile (with a reference; `object` is destroyed then).
void *intern_add(struct intern *i, void *object);

void intern_ref(void *object);
void intern_unref(struct intern *i, void *object);
unsigned intern_count(struct intern *i);
