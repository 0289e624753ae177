// verify.c - from a certificate chain to a verdict.

#include "tls/verify.h"

#include "tls/cert.h"
#include "tls/fault.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// Over all certificates that the peer sent, in order, and the name: what the verdict depends on
// besides the policy.
static bool chain_key(X509_STORE_CTX *ctx, const struct peer_name *name,
                      unsigned char key[DIGEST_SIZE])
{
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(ctx);
    const int count = sk_X509_num(sent);
    struct digest d;
    digest_begin(&d);
    digest_add_field(&d, name->text, name->len);
    for (int i = 0; i < count; i++) {
        unsigned char *der = NULL;
        const int n = i2d_X509(sk_X509_value(sent, i), &der);
        d.ok = d.ok && n > 0;
        if (n > 0)
            digest_add_field(&d, der, (size_t)n);
        OPENSSL_free(der);
    }
    return digest_end(&d, key) && count > 0;
}

static void reject(struct verdict *v, int openssl, int depth, const X509 *x)
{
    v->code = verdict_code_of(openssl);
    v->openssl = openssl;
    v->text = X509_verify_cert_error_string(openssl);
    v->depth = depth;
    if (!x)
        return;
    cert_name(X509_get_subject_name(x), v->subject);
    cert_name(X509_get_issuer_name(x), v->issuer);
    v->not_before = cert_not_before(x);
    v->not_after = cert_not_after(x);
    if (!cert_sha256(x, v->sha256))
        memset(v->sha256, 0, sizeof(v->sha256));
}

// X509_V_OK, or the mismatch. Names are compared with subjectAltName entries only and with
// whole-label wildcards; a common name is never consulted. An error of the comparison itself is a
// mismatch, too.
static int check_name(X509 *leaf, const struct peer_name *name)
{
    const unsigned flags =
        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    if (name->ip)
        return X509_check_ip(leaf, name->ip_bytes, name->ip_len, flags) == 1
            ? X509_V_OK : X509_V_ERR_IP_ADDRESS_MISMATCH;
    if (name->len == 0)     // which OpenSSL would take for "compare with nothing"
        return X509_V_ERR_HOSTNAME_MISMATCH;
    return X509_check_host(leaf, name->text, name->len, flags, NULL) == 1
        ? X509_V_OK : X509_V_ERR_HOSTNAME_MISMATCH;
}

static int64_t earliest_end(X509_STORE_CTX *ctx)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
    int64_t end = INT64_MAX;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        const int64_t not_after = cert_not_after(sk_X509_value(chain, i));
        if (not_after < end)
            end = not_after;
    }
    return end;
}

static bool lacks_key(STACK_OF(X509) *sent)
{
    for (int i = 0; i < sk_X509_num(sent); i++)
        if (!cert_has_key(sk_X509_value(sent, i)))
            return true;
    return false;
}

// The sent certificates with those whose key the slim library context could not decode decoded by
// the default one.
static STACK_OF(X509) *decode_again(STACK_OF(X509) *sent)
{
    STACK_OF(X509) *copy = sk_X509_new_null();
    for (int i = 0; copy && i < sk_X509_num(sent); i++) {
        X509 *x = sk_X509_value(sent, i);
        unsigned char *der = NULL;
        const int n = cert_has_key(x) ? 0 : i2d_X509(x, &der);
        X509 *again = n > 0 ? cert_decode(NULL, der, (size_t)n) : NULL;
        OPENSSL_free(der);
        if (!again && X509_up_ref(x) == 1)
            again = x;
        if (!again || sk_X509_push(copy, again) <= 0) {
            X509_free(again);
            sk_X509_pop_free(copy, X509_free);
            copy = NULL;
        }
    }
    return copy;
}

// Runs OpenSSL's verification; returns the first error.
static int verify_chain(X509_STORE_CTX *ctx)
{
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(ctx);
    STACK_OF(X509) *again = lacks_key(sent) ? decode_again(sent) : NULL;
    if (again)
        X509_STORE_CTX_set0_untrusted(ctx, again);
    fault_clear();
    const int ret = X509_verify_cert(ctx);
    fault_clear();
    if (again) {
        X509_STORE_CTX_set0_untrusted(ctx, sent);
        sk_X509_pop_free(again, X509_free);
    }
    const int error = X509_STORE_CTX_get_error(ctx);
    if (ret == 1)
        return error;
    return error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error;
}

static bool judge_in_full(struct verify *v, X509_STORE_CTX *ctx)
{
    int error = verify_chain(ctx);
    if (error != X509_V_OK) {
        X509_STORE_CTX_set_error(ctx, error);
        reject(v->verdict, error, X509_STORE_CTX_get_error_depth(ctx),
               X509_STORE_CTX_get_current_cert(ctx));
        return false;
    }
    X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
    fault_clear();
    error = check_name(leaf, v->name);
    fault_clear();
    if (error != X509_V_OK) {
        X509_STORE_CTX_set_error(ctx, error);
        reject(v->verdict, error, 0, leaf);
        return false;
    }
    v->chain_not_after = earliest_end(ctx);
    return true;
}

bool verify_judge(struct verify *v, void *store_ctx, int64_t now)
{
    X509_STORE_CTX *ctx = store_ctx;
    *v->verdict = (struct verdict){
        .code = VERDICT_UNVERIFIED, .text = "not verified", .depth = -1,
    };
    v->chain_not_after = INT64_MAX;
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    if (v->policy->desc.verify == POLICY_NO_VERIFY)
        return true;
    unsigned char key[DIGEST_SIZE];
    const bool cacheable = chain_key(ctx, v->name, key);
    fault_clear();
    if (cacheable && verdict_cache_find(v->cache, key, now, &v->chain_not_after)) {
        v->verdict->cached = true;
    } else {
        if (!judge_in_full(v, ctx))
            return false;
        if (cacheable)
            verdict_cache_put(v->cache, key, now, v->chain_not_after);
    }
    v->verdict->code = VERDICT_OK;
    v->verdict->text = X509_verify_cert_error_string(X509_V_OK);
    return true;
}
