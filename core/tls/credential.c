// credential.c - reading a chain and its key, checked to belong together.

#include "tls/credential.h"

#include "base/mem.h"
#include "tls/cert.h"
#include "tls/digest.h"
#include "tls/fault.h"
#include "tls/intern.h"
#include "tls/pem.h"

#include <limits.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

static void destroy(void *object)
{
    struct credential *c = object;
    X509_free(c->leaf);
    sk_X509_pop_free(c->chain, X509_free);
    EVP_PKEY_free(c->key);
    free(c);
}

static struct intern credentials = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .digest_at = offsetof(struct credential, sha256),
    .destroy = destroy,
};

// Instead of OpenSSL's default, which would ask the terminal.
static int no_passphrase(char *buffer, int size, int writing, void *arg)
{
    (void)buffer, (void)size, (void)writing, (void)arg;
    return -1;
}

static err_t read_key(struct str text, struct credential *c, char why[TRUST_WHY])
{
    fault_clear();
    BIO *bio = text.n <= INT_MAX ? BIO_new_mem_buf(text.n ? text.p : "", (int)text.n) : NULL;
    c->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    if (!c->key) {
        fault_explain(why, TRUST_WHY, "invalid key");
        return &err_tls_setup;
    }
    fault_clear();
    return NULL;
}

// Certificates that we show are decoded in the default context, where every kind of key is known.
static err_t read_chain(const struct pem_list *list, struct credential *c, char why[TRUST_WHY])
{
    c->chain = sk_X509_new_null();
    for (unsigned i = 0; i < list->count && c->chain; i++) {
        fault_clear();
        X509 *x = cert_decode(NULL, list->block[i].der, list->block[i].n);
        if (!x || !cert_prepare(x)) {
            X509_free(x);
            fault_explain(why, TRUST_WHY, "invalid certificate: block %u", i + 1);
            return &err_tls_setup;
        }
        if (i == 0)
            c->leaf = x;
        else if (sk_X509_push(c->chain, x) <= 0) {
            X509_free(x);
            break;
        }
    }
    if (!c->chain || sk_X509_num(c->chain) + 1 != (int)list->count) {
        fault_explain(why, TRUST_WHY, "invalid certificate: chain cannot be kept");
        return &err_tls_setup;
    }
    c->not_after = cert_not_after(c->leaf);
    return NULL;
}

static err_t check_match(const struct credential *c, char why[TRUST_WHY])
{
    fault_clear();
    if (X509_check_private_key(c->leaf, c->key) == 1)
        return NULL;
    fault_clear();
    snprintf(why, TRUST_WHY, "certificate does not match key");
    return &err_tls_setup;
}

static err_t identify(const struct pem_list *list, struct credential *c, char why[TRUST_WHY])
{
    unsigned char *der = NULL;
    fault_clear();
    const int n = i2d_PrivateKey(c->key, &der);
    struct digest d;
    digest_begin(&d);
    for (unsigned i = 0; i < list->count; i++)
        digest_add_field(&d, list->block[i].der, list->block[i].n);
    if (n > 0)
        digest_add_field(&d, der, (size_t)n);
    const bool ok = digest_end(&d, c->sha256) && n > 0;
    if (n > 0)
        OPENSSL_clear_free(der, (size_t)n);
    if (!ok) {
        fault_explain(why, TRUST_WHY, "invalid key: cannot be encoded");
        return &err_tls_setup;
    }
    digest_hex(c->sha256, TRUST_ID / 2, c->id);
    return NULL;
}

static err_t build(const struct pem_list *list, struct str key, struct credential *c,
                   char why[TRUST_WHY])
{
    err_t err = read_chain(list, c, why);
    if (!err)
        err = read_key(key, c, why);
    if (!err)
        err = check_match(c, why);
    if (!err)
        err = identify(list, c, why);
    return err;
}

err_t credential_intern(struct str cert, struct str key, struct credential **out,
                        char why[TRUST_WHY])
{
    *out = NULL;
    why[0] = '\0';
    char reason[PEM_WHY];
    struct pem_list list = { 0 };
    err_t err = pem_certificates(cert, &list, reason);
    if (err) {
        snprintf(why, TRUST_WHY, "invalid certificate: %.*s", TRUST_WHY - 32, reason);
    } else {
        struct credential *c = xcalloc(1, sizeof(*c));
        err = build(&list, key, c, why);
        if (err)
            destroy(c);
        else
            *out = intern_add(&credentials, c);
    }
    pem_free(&list);
    return err;
}

struct credential *credential_ref(struct credential *c)
{
    intern_ref(c);
    return c;
}

void credential_unref(struct credential *c)
{
    if (c)
        intern_unref(&credentials, c);
}
