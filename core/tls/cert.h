// Certificates as OpenSSL holds them: decoding, and the facts that verdicts and bounds need.
//
// Private to tls/. Owner: X509 objects are counted by OpenSSL. Threads: any.

#pragma once

#include "base/error.h"
#include "base/str.h"

#include <openssl/x509.h>

enum { CERT_NAME = 256 };

// Decodes exactly one certificate for use in `libctx`. Where that context has no decoder for the
// certificate's key, the default one decodes it. NULL with OpenSSL's error in the queue.
X509 *cert_decode(void *libctx, const unsigned char *der, size_t n);

// Decodes the extensions. OpenSSL does that at their first use, and a certificate for which it
// fails is of no use from then on: one that many share would be spoilt by a lack of memory in
// between. False: there is no memory now, which is in the error queue. Extensions that cannot be
// decoded at all are no error here: such a certificate is refused wherever it would count.
bool cert_prepare(X509 *x);

// Whether its public key could be decoded; leaves the error queue empty.
bool cert_has_key(X509 *x);

// Unix seconds; a time that does not parse counts as 0, which is over.
int64_t cert_not_before(const X509 *x);
int64_t cert_not_after(const X509 *x);

// RFC 2253 with control characters escaped, cut to size with a NUL; "" when it cannot be printed.
void cert_name(const X509_NAME *name, char out[CERT_NAME]);

// SHA-256 of the DER. False when it cannot be had.
bool cert_sha256(const X509 *x, unsigned char out[32]);
