// What `strict` demands of a chain besides OpenSSL's X509_V_FLAG_X509_STRICT: serial numbers,
// versions and forms of dates of RFC 5280, and the names and purposes of the CA/Browser Forum's
// profile.
//
// Private to tls/. Threads: any; nothing is kept.

#pragma once

#include <openssl/x509.h>

// Looks through an accepted chain, the leaf first. NULL, or what is wrong, with *depth. The anchor
// is trusted as it is.
const char *strict_check(STACK_OF(X509) *chain, int *depth);
