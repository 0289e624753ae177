// offline.c - PEM texts in place of a peer.

#include "tls/offline.h"

#include "base/mem.h"
#include "tls/cert.h"
#include "tls/fault.h"
#include "tls/libctx.h"
#include "tls/pem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

// Certificates as they were decoded last. Whoever judges many chains shows the same issuers again
// and again, and to decode one takes as long as to check a signature.
enum { KEPT = 64 };

static _Thread_local struct kept {
    X509 *x;
    char *der;
    size_t n;
} kept[KEPT];

static X509 *decode_block(const unsigned char *der, size_t n)
{
    struct kept *k = &kept[XXH3_64bits(der, n) % KEPT];
    if (k->x && k->n == n && memcmp(k->der, der, n) == 0)
        return X509_up_ref(k->x) ? k->x : NULL;
    X509 *x = cert_decode(libctx_client(), der, n);
    if (!x || !X509_up_ref(x))
        return x;
    X509_free(k->x);
    free(k->der);
    *k = (struct kept){ x, xmemdup0((const char *)der, n), n };
    return x;
}

static STACK_OF(X509) *decode(const struct pem_list *list, char why[TRUST_WHY])
{
    STACK_OF(X509) *sent = sk_X509_new_null();
    for (unsigned i = 0; sent && i < list->count; i++) {
        fault_clear();
        X509 *x = decode_block(list->block[i].der, list->block[i].n);
        if (x && sk_X509_push(sent, x) > 0)
            continue;
        X509_free(x);
        fault_explain(why, TRUST_WHY, "block %u: not a valid certificate", i + 1);
        sk_X509_pop_free(sent, X509_free);
        return NULL;
    }
    return sent;
}

err_t offline_judge(const struct policy *policy, const struct str *pems, unsigned count,
                    const struct peer_name *name, int64_t now, struct verdict *out,
                    char why[TRUST_WHY])
{
    snprintf(why, TRUST_WHY, "no certificate");
    struct pem_list list = { 0 };
    err_t err = count > 0 ? NULL : &err_tls_setup;
    for (unsigned i = 0; i < count && !err; i++) {
        char reason[PEM_WHY];
        err = pem_certificates(pems[i], &list, reason);
        if (err)
            snprintf(why, TRUST_WHY, "text %u, %.*s", i + 1, TRUST_WHY - 32, reason);
    }
    STACK_OF(X509) *sent = err ? NULL : decode(&list, why);
    pem_free(&list);
    if (!sent)
        return &err_tls_setup;
    struct verify v = { .policy = policy, .name = name, .describe = true, .verdict = out };
    verify_sent(&v, sent, now);
    sk_X509_pop_free(sent, X509_free);
    return NULL;
}
