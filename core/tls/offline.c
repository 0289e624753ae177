// offline.c - PEM texts in place of a peer.

#include "tls/offline.h"

#include "tls/cert.h"
#include "tls/fault.h"
#include "tls/libctx.h"
#include "tls/pem.h"

#include <stdio.h>

static STACK_OF(X509) *decode(const struct pem_list *list, char why[TRUST_WHY])
{
    STACK_OF(X509) *sent = sk_X509_new_null();
    for (unsigned i = 0; sent && i < list->count; i++) {
        fault_clear();
        X509 *x = cert_decode(libctx_client(), list->block[i].der, list->block[i].n);
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
