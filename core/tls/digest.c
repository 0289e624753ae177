// digest.c - SHA-256, with the algorithm looked up once.

#include "tls/digest.h"

#include <openssl/evp.h>
#include <pthread.h>

// Fetched once: looking an algorithm up costs more than hashing a certificate.
static EVP_MD *sha256;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
}

void digest_begin(struct digest *d)
{
    pthread_once(&once, fetch);
    d->ctx = EVP_MD_CTX_new();
    d->ok = sha256 && d->ctx && EVP_DigestInit_ex2(d->ctx, sha256, NULL) == 1;
}

void digest_add(struct digest *d, const void *p, size_t n)
{
    d->ok = d->ok && EVP_DigestUpdate(d->ctx, p, n) == 1;
}

void digest_add_field(struct digest *d, const void *p, size_t n)
{
    const uint64_t length = n;
    digest_add(d, &length, sizeof(length));
    digest_add(d, p, n);
}

bool digest_end(struct digest *d, unsigned char out[DIGEST_SIZE])
{
    bool ok = d->ok && EVP_DigestFinal_ex(d->ctx, out, NULL) == 1;
    EVP_MD_CTX_free(d->ctx);
    d->ctx = NULL;
    return ok;
}

bool digest_sha256(const void *p, size_t n, unsigned char out[DIGEST_SIZE])
{
    struct digest d;
    digest_begin(&d);
    digest_add(&d, p, n);
    return digest_end(&d, out);
}

void digest_hex(const unsigned char *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = '\0';
}
