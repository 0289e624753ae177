// The OpenSSL library context in which TLS clients work, chosen once at start.
//
// OpenSSL 3.0 spends about a third of a client's full handshake on looking for a decoder for each
// certificate's public key. Where it helps, clients therefore work in a context of their own with
// no more algorithms than TLS and certificates need ("slim"); where it does not work or does
// not help (OpenSSL 3.2 and newer keep the decoders that they found), in the default context. What
// both can agree on with an upstream is the same, but for DSA keys, which certificates no longer
// have.
//
// Owner: process-wide. Threads: libctx_init() before threads start; then constant.

#pragma once

#include "base/error.h"

#include <stdbool.h>

// Probes whether the slim context works: it must decode and verify what the default one does.
// `allow` false forces the default context. Never fails: the default context is always there.
void libctx_init(bool allow);

void *libctx_client(void);          // OSSL_LIB_CTX *, NULL is OpenSSL's default context
const char *libctx_describe(void);  // for the log and `weir version`: "slim" or "default"
