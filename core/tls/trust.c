// trust.c - bundles of CA certificates, sorted, without duplicates, interned.

#include "tls/trust.h"

#include "base/mem.h"
#include "tls/cert.h"
#include "tls/digest.h"
#include "tls/fault.h"
#include "tls/intern.h"
#include "tls/libctx.h"
#include "tls/pem.h"

#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

// A certificate of the bundle that is being read, with what it is sorted by.
struct member {
    unsigned char sha256[DIGEST_SIZE];
    const struct pem_block *block;
    unsigned number;    // of its block, counted through all texts, for messages
};

static void destroy(void *object)
{
    struct trust *t = object;
    X509_STORE_free(t->store);
    free(t);
}

static struct intern bundles = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .digest_at = offsetof(struct trust, sha256),
    .destroy = destroy,
};

static int by_digest(const void *a, const void *b)
{
    const struct member *m = a, *n = b;
    return memcmp(m->sha256, n->sha256, DIGEST_SIZE);
}

// Sorted by digest and without duplicates; NULL with *count == 0 when there are none or a digest
// fails.
static struct member *members(const struct pem_list *list, unsigned *count)
{
    *count = 0;
    if (list->count == 0)
        return NULL;
    struct member *m = xcalloc(list->count, sizeof(*m));
    for (unsigned i = 0; i < list->count; i++) {
        m[i] = (struct member){ .block = &list->block[i], .number = i + 1 };
        if (!digest_sha256(list->block[i].der, list->block[i].n, m[i].sha256)) {
            free(m);
            return NULL;
        }
    }
    qsort(m, list->count, sizeof(*m), by_digest);
    for (unsigned i = 0; i < list->count; i++)
        if (*count == 0 || by_digest(&m[*count - 1], &m[i]) != 0)
            m[(*count)++] = m[i];
    return m;
}

static bool bundle_digest(const struct member *m, unsigned count, unsigned char out[DIGEST_SIZE])
{
    struct digest d;
    digest_begin(&d);
    for (unsigned i = 0; i < count; i++)
        digest_add(&d, m[i].sha256, DIGEST_SIZE);
    return digest_end(&d, out);
}

static err_t add_certificate(struct trust *t, const struct member *m, char why[TRUST_WHY])
{
    fault_clear();
    X509 *x = cert_decode(libctx_client(), m->block->der, m->block->n);
    if (!x) {
        fault_explain(why, TRUST_WHY, "block %u: not a valid certificate", m->number);
        return &err_tls_setup;
    }
    const int64_t end = cert_not_after(x);
    bool added = cert_prepare(x) && X509_STORE_add_cert(t->store, x) == 1;
    X509_free(x);
    if (!added) {
        fault_explain(why, TRUST_WHY, "block %u: cannot be added to a store", m->number);
        return &err_tls_setup;
    }
    if (end < t->not_after)
        t->not_after = end;
    return NULL;
}

static err_t build(const struct member *m, unsigned count, const unsigned char sha256[DIGEST_SIZE],
                   struct trust **out, char why[TRUST_WHY])
{
    struct trust *t = xcalloc(1, sizeof(*t));
    t->count = count;
    t->not_after = INT64_MAX;
    memcpy(t->sha256, sha256, DIGEST_SIZE);
    digest_hex(sha256, TRUST_ID / 2, t->id);
    fault_clear();
    t->store = X509_STORE_new();
    err_t err = NULL;
    if (!t->store) {
        fault_explain(why, TRUST_WHY, "no certificate store");
        err = &err_tls_setup;
    }
    for (unsigned i = 0; i < count && !err; i++)
        err = add_certificate(t, &m[i], why);
    if (err) {
        destroy(t);
        return err;
    }
    // The first who looks a certificate up would sort the store, while others read it.
    sk_X509_OBJECT_sort(X509_STORE_get0_objects(t->store));
    *out = intern_add(&bundles, t);
    return NULL;
}

// The bundle is looked up by the digests of its bytes: one that is known is not decoded again.
static err_t intern_list(const struct pem_list *list, struct trust **out, char why[TRUST_WHY])
{
    unsigned count;
    unsigned char sha256[DIGEST_SIZE];
    struct member *m = members(list, &count);
    if ((count == 0 && list->count > 0) || !bundle_digest(m, count, sha256)) {
        snprintf(why, TRUST_WHY, "no digest");
        free(m);
        return &err_tls_setup;
    }
    *out = intern_find(&bundles, sha256);
    err_t err = *out ? NULL : build(m, count, sha256, out, why);
    free(m);
    return err;
}

err_t trust_intern(const struct str *pems, unsigned count, struct trust **out, char why[TRUST_WHY])
{
    *out = NULL;
    why[0] = '\0';
    struct pem_list list = { 0 };
    err_t err = NULL;
    for (unsigned i = 0; i < count && !err; i++) {
        char reason[PEM_WHY];
        err = pem_certificates(pems[i], &list, reason);
        if (err)
            snprintf(why, TRUST_WHY, "text %u, %.*s", i + 1, TRUST_WHY - 32, reason);
    }
    if (!err)
        err = intern_list(&list, out, why);
    pem_free(&list);
    return err;
}

struct trust *trust_ref(struct trust *t)
{
    intern_ref(t);
    return t;
}

void trust_unref(struct trust *t)
{
    if (t)
        intern_unref(&bundles, t);
}

unsigned trust_interned(void)
{
    return intern_count(&bundles);
}
