// cert.c - decoding certificates and reading their facts.

#include "tls/cert.h"

#include "tls/digest.h"
#include "tls/fault.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <time.h>

static X509 *decode_in(OSSL_LIB_CTX *libctx, const unsigned char *der, size_t n)
{
    if (n > LONG_MAX)
        return NULL;
    X509 *x = X509_new_ex(libctx, NULL);
    const unsigned char *at = der;
    // d2i_X509() frees x and sets it to NULL when it fails.
    if (!x || !d2i_X509(&x, &at, (long)n))
        return NULL;
    if (at != der + n) {
        ERR_raise(ERR_LIB_ASN1, ASN1_R_TOO_LONG);
        X509_free(x);
        return NULL;
    }
    return x;
}

bool cert_has_key(X509 *x)
{
    bool has = X509_get0_pubkey(x) != NULL;
    if (!has)
        fault_clear();
    return has;
}

X509 *cert_decode(void *libctx, const unsigned char *der, size_t n)
{
    X509 *x = decode_in(libctx, der, n);
    if (!x || !libctx || cert_has_key(x))
        return x;
    X509_free(x);
    return decode_in(NULL, der, n);
}

bool cert_prepare(X509 *x)
{
    fault_clear();
    const bool ok = X509_check_purpose(x, -1, 0) == 1
        || ERR_GET_REASON(ERR_peek_error()) != ERR_R_MALLOC_FAILURE;
    if (ok)
        fault_clear();
    return ok;
}

static int64_t seconds(const ASN1_TIME *t)
{
    struct tm tm;
    if (!t || ASN1_TIME_to_tm(t, &tm) != 1) {
        fault_clear();
        return 0;
    }
    return (int64_t)timegm(&tm);
}

int64_t cert_not_before(const X509 *x)
{
    return seconds(X509_get0_notBefore(x));
}

int64_t cert_not_after(const X509 *x)
{
    return seconds(X509_get0_notAfter(x));
}

void cert_name(const X509_NAME *name, char out[CERT_NAME])
{
    out[0] = '\0';
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio && name && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        int n = BIO_read(bio, out, CERT_NAME - 1);
        out[n > 0 ? n : 0] = '\0';
    }
    BIO_free(bio);
    fault_clear();
}

bool cert_sha256(const X509 *x, unsigned char out[32])
{
    unsigned char *der = NULL;
    int n = i2d_X509(x, &der);
    if (n <= 0) {
        fault_clear();
        return false;
    }
    bool ok = digest_sha256(der, (size_t)n, out);
    OPENSSL_free(der);
    return ok;
}
