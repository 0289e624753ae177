// crl.c - revocation lists: read, sorted, interned.

#include "tls/crl.h"

#include "base/mem.h"
#include "tls/digest.h"
#include "tls/fault.h"
#include "tls/intern.h"
#include "tls/libctx.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void destroy(void *object)
{
    struct crls *c = object;
    sk_X509_CRL_pop_free(c->stack, X509_CRL_free);
    free(c->next_updates);
    free(c);
}

static struct intern lists = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .digest_at = offsetof(struct crls, sha256),
    .destroy = destroy,
};

static bool next_update(const X509_CRL *crl, int64_t *out)
{
    struct tm tm;
    const ASN1_TIME *t = X509_CRL_get0_nextUpdate(crl);
    if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    *out = (int64_t)timegm(&tm);
    return true;
}

static const char *add(struct crls *c, const unsigned char *der, long n)
{
    const unsigned char *at = der;
    X509_CRL *crl = X509_CRL_new_ex(libctx_client(), NULL);
    if (!crl || !d2i_X509_CRL(&crl, &at, n) || at != der + n) {
        X509_CRL_free(crl);
        return "not a valid revocation list";
    }
    // A delta says only what changed since another list. OpenSSL 3.0 passes over it, newer versions
    // take it for a whole one, in which nothing that was revoked before is revoked: so it is left
    // out here.
    if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0) {
        X509_CRL_free(crl);
        return NULL;
    }
    int64_t end;
    if (!next_update(crl, &end)) {
        X509_CRL_free(crl);
        return "a revocation list needs nextUpdate";
    }
    if (sk_X509_CRL_push(c->stack, crl) <= 0) {
        X509_CRL_free(crl);
        return "cannot be kept";
    }
    c->next_updates = xrealloc(c->next_updates, (c->count + 1) * sizeof(*c->next_updates));
    c->next_updates[c->count++] = end;
    return NULL;
}

// All blocks of one text; NULL when all is well.
static const char *read_blocks(struct crls *c, BIO *bio)
{
    unsigned blocks = 0;
    for (;;) {
        char *name = NULL, *header = NULL;
        unsigned char *der = NULL;
        long n = 0;
        fault_clear();
        if (PEM_read_bio(bio, &name, &header, &der, &n) != 1) {
            const unsigned long code = ERR_peek_last_error();
            const bool end = ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
            return !end ? "a block cannot be read" : blocks == 0 ? "no block in it" : NULL;
        }
        const char *wrong = strcmp(name, PEM_STRING_X509_CRL) == 0
            ? add(c, der, n) : "a block is no \"X509 CRL\"";
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
        if (wrong)
            return wrong;
        blocks++;
    }
}

static const char *read_text(struct crls *c, struct str text)
{
    BIO *bio = text.n > 0 && text.n <= INT_MAX ? BIO_new_mem_buf(text.p, (int)text.n) : NULL;
    if (!bio)
        return "no text";
    const char *wrong = read_blocks(c, bio);
    BIO_free(bio);
    return wrong;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, DIGEST_SIZE);
}

static bool identify(struct crls *c)
{
    unsigned char (*each)[DIGEST_SIZE] = xcalloc(c->count + 1, DIGEST_SIZE);
    bool ok = true;
    for (unsigned i = 0; i < c->count; i++) {
        unsigned char *der = NULL;
        const int n = i2d_X509_CRL(sk_X509_CRL_value(c->stack, (int)i), &der);
        ok = ok && n > 0 && digest_sha256(der, (size_t)n, each[i]);
        OPENSSL_free(der);
    }
    qsort(each, c->count, DIGEST_SIZE, by_bytes);
    ok = ok && digest_sha256(each, c->count * (size_t)DIGEST_SIZE, c->sha256);
    free(each);
    return ok;
}

err_t crls_intern(const struct str *pems, unsigned count, struct crls **out, char why[CRL_WHY])
{
    *out = NULL;
    why[0] = '\0';
    struct crls *c = xcalloc(1, sizeof(*c));
    c->stack = sk_X509_CRL_new_null();
    const char *wrong = c->stack ? NULL : "no memory";
    unsigned text = 0;
    for (; text < count && !wrong; text++)
        wrong = read_text(c, pems[text]);
    if (!wrong && !identify(c))
        wrong = "no digest";
    if (wrong) {
        fault_explain(why, CRL_WHY, "revocation list %u: %s", text, wrong);
        destroy(c);
        return &err_tls_setup;
    }
    fault_clear();
    *out = intern_add(&lists, c);
    return NULL;
}

struct crls *crls_ref(struct crls *c)
{
    intern_ref(c);
    return c;
}

void crls_unref(struct crls *c)
{
    if (c)
        intern_unref(&lists, c);
}

int64_t crls_bound(const struct crls *c, int64_t now)
{
    int64_t bound = INT64_MAX;
    for (unsigned i = 0; i < c->count; i++)
        if (c->next_updates[i] > now && c->next_updates[i] < bound)
            bound = c->next_updates[i];
    return bound;
}

unsigned crls_interned(void)
{
    return intern_count(&lists);
}
