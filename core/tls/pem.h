// PEM texts taken apart into the DER of their certificates.
//
// Owner: the caller, until pem_free(). Threads: a value.

#pragma once

#include "base/error.h"
#include "base/str.h"

struct pem_block {
    unsigned char *der;
    size_t n;
};

// All zero is a valid empty list.
struct pem_list {
    struct pem_block *block;
    unsigned count;
};

enum { PEM_WHY = 256 };

// Appends the certificates of `text` to `list`. Text between the blocks is ignored, as in OpenSSL's
// files. A block that is anything but a certificate, a block that is cut off or misspelt, and a
// text without any are errors: err_tls_setup with `why`; the list then holds what came before.
err_t pem_certificates(struct str text, struct pem_list *list, char why[PEM_WHY]);
void pem_free(struct pem_list *list);

// Certificates (STACK_OF(X509) *) as one PEM text of at most `max` bytes, cut at a whole one. For
// free(), with a NUL; n == 0 (and nothing to free) when not one could be written.
struct str pem_write(void *certs, size_t max);
