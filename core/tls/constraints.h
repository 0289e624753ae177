// Name constraints beyond those that OpenSSL checks.
//
// Private to tls/. Threads: any; nothing is kept.

#pragma once

#include <openssl/x509.h>

// Looks through a chain that OpenSSL has accepted, the leaf first. X509_V_OK, or the error, with
// *depth of the certificate at fault. Wildcards of the leaf may not reach into an excluded subtree:
// OpenSSL compares "*.example.com" as a name, but it also stands for "secret.example.com". And who
// is no CA has nobody to constrain (RFC 5280 §4.2.1.10).
int constraints_check(STACK_OF(X509) *chain, int *depth);
