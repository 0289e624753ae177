// ocsp.c - judging a stapled OCSP response.

#include "tls/ocsp.h"

#include "base/str.h"
#include "tls/cert.h"
#include "tls/fault.h"
#include "tls/libctx.h"

#include <openssl/ocsp.h>
#include <openssl/tls1.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <time.h>

enum { CLOCK_SKEW = 5 * 60, ANY_AGE = -1 };

static struct ocsp_result invalid(const char *text)
{
    return (struct ocsp_result){
        .status = VERDICT_OCSP_BAD, .openssl = X509_V_ERR_OCSP_VERIFY_FAILED, .text = text,
    };
}

// -- who signed it --------------------------------------------------------------------------------

// Trusts the issuer and nobody else, so that a chain is at most one certificate long above it:
// those whom the issuer signed itself.
static X509_STORE *store_of(X509 *issuer, int level)
{
    X509_STORE *store = X509_STORE_new();
    if (store && X509_STORE_add_cert(store, issuer) == 1
        && X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1) {
        X509_VERIFY_PARAM_set_auth_level(X509_STORE_get0_param(store), level);
        return store;
    }
    X509_STORE_free(store);
    return NULL;
}

// OpenSSL looks at the strength of signatures in certificates only. Signatures without a digest of
// their own (Ed25519, PSS) are as strong as their key.
static bool is_strong(const OCSP_BASICRESP *basic, int level)
{
    static const int bits[] = { 0, 80, 112, 128, 192, 256 };
    enum { BITS_OF_SHA1 = 63 };     // as OpenSSL counts
    int digest;
    const X509_ALGOR *algorithm = OCSP_resp_get0_tbs_sigalg(basic);
    if (OBJ_find_sigid_algs(OBJ_obj2nid(algorithm->algorithm), &digest, NULL) != 1)
        return false;
    if (level == 0 || digest == NID_undef)
        return true;
    const EVP_MD *md = EVP_get_digestbynid(digest);
    const int strength = digest == NID_sha1 ? BITS_OF_SHA1 : md ? EVP_MD_get_size(md) * 4 : 0;
    return strength >= bits[level];
}

// Whether a responder's certificate is on no list of the policy, and a list says so. A policy
// without lists has nothing to look it up in: then it is as good as its own validity, since to ask
// another responder about it would need a responder in turn.
static bool is_unrevoked(X509 *responder, X509_STORE *store, const struct crls *crls)
{
    if (!crls || X509_get_ext_by_NID(responder, NID_id_pkix_OCSP_noCheck, -1) >= 0)
        return true;
    X509_STORE_CTX *ctx = X509_STORE_CTX_new_ex(libctx_client(), NULL);
    bool ok = ctx && X509_STORE_CTX_init(ctx, store, responder, NULL) == 1
        && X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_CRL_CHECK) == 1;
    if (ok) {
        X509_STORE_CTX_set0_crls(ctx, crls->stack);
        ok = X509_verify_cert(ctx) == 1;
    }
    X509_STORE_CTX_free(ctx);
    return ok;
}

// What OpenSSL does not ask of a responder that is not the issuer itself. NULL: nothing is wrong.
static const char *delegate_fault(X509 *responder, X509_STORE *store, const struct crls *crls)
{
    // All bits are set where there is no key usage.
    if (!(X509_get_key_usage(responder) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
        return "the key of the OCSP responder is not for signatures";
    if (!is_unrevoked(responder, store, crls))
        return "the OCSP responder's certificate is revoked, or no CRL says that it is not";
    return NULL;
}

// NULL and the certificate that signed it, which is the response's or the issuer; or why it counts
// for nothing.
static const char *signature_fault(OCSP_BASICRESP *basic, X509 *issuer,
                                   const struct policy_desc *policy, X509 **signer)
{
    const int level = policy->security_level;
    X509_STORE *store = store_of(issuer, level);
    STACK_OF(X509) *known = sk_X509_new_null();
    const char *fault = "OCSP response is not signed by the issuer or its responder";
    if (store && known && sk_X509_push(known, issuer) > 0 && is_strong(basic, level)
        && OCSP_basic_verify(basic, known, store, OCSP_NOCHAIN | OCSP_NOEXPLICIT) == 1
        && OCSP_resp_get0_signer(basic, signer, known) == 1)
        fault = X509_cmp(*signer, issuer) == 0 ? NULL
            : delegate_fault(*signer, store, policy->crls);
    sk_X509_free(known);
    X509_STORE_free(store);
    return fault;
}

// -- what it says ---------------------------------------------------------------------------------

// The digests of a certificate id are of the responder's choice.
static bool is_about(const OCSP_SINGLERESP *single, const X509 *leaf, const X509 *issuer)
{
    ASN1_OBJECT *digest = NULL;
    const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
    if (OCSP_id_get0_info(NULL, &digest, NULL, NULL, (OCSP_CERTID *)(uintptr_t)id) != 1)
        return false;
    const EVP_MD *md = EVP_get_digestbyobj(digest);
    OCSP_CERTID *wanted = md ? OCSP_cert_to_id(md, leaf, issuer) : NULL;
    const bool same = wanted && OCSP_id_cmp(wanted, id) == 0;
    OCSP_CERTID_free(wanted);
    return same;
}

static OCSP_SINGLERESP *find(OCSP_BASICRESP *basic, const X509 *leaf, const X509 *issuer)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        if (is_about(single, leaf, issuer))
            return single;
    }
    return NULL;
}

static int64_t seconds(const ASN1_GENERALIZEDTIME *t)
{
    struct tm tm;
    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static struct ocsp_result judge_single(OCSP_SINGLERESP *single)
{
    ASN1_GENERALIZEDTIME *from = NULL, *to = NULL;
    const int status = OCSP_single_get0_status(single, NULL, NULL, &from, &to);
    if (OCSP_SINGLERESP_get_ext_by_critical(single, 1, -1) >= 0)
        return invalid("OCSP response has a critical extension that is not known");
    if (!to)
        return invalid("OCSP response has no nextUpdate");
    if (OCSP_check_validity(from, to, CLOCK_SKEW, ANY_AGE) != 1)
        return invalid("OCSP response is not current");
    if (status == V_OCSP_CERTSTATUS_REVOKED)
        return (struct ocsp_result){
            .status = VERDICT_OCSP_REVOKED, .openssl = X509_V_ERR_CERT_REVOKED,
            .text = "OCSP response says revoked",
        };
    if (status != V_OCSP_CERTSTATUS_GOOD)
        return (struct ocsp_result){
            .status = VERDICT_OCSP_UNKNOWN, .openssl = X509_V_ERR_OCSP_CERT_UNKNOWN,
            .text = "OCSP responder does not know the certificate",
        };
    return (struct ocsp_result){
        .status = VERDICT_OCSP_GOOD, .openssl = X509_V_OK, .text = "ok", .until = seconds(to),
    };
}

static struct ocsp_result judge_basic(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer,
                                      const struct policy_desc *policy)
{
    X509 *signer = NULL;
    if (!basic)
        return invalid("OCSP response cannot be read");
    const char *fault = signature_fault(basic, issuer, policy, &signer);
    if (fault)
        return invalid(fault);
    if (OCSP_BASICRESP_get_ext_by_critical(basic, 1, -1) >= 0)
        return invalid("OCSP response has a critical extension that is not known");
    OCSP_SINGLERESP *single = find(basic, leaf, issuer);
    if (!single)
        return invalid("OCSP response is of another certificate");
    struct ocsp_result result = judge_single(single);
    if (cert_not_after(signer) < result.until)
        result.until = cert_not_after(signer);
    return result;
}

struct ocsp_result ocsp_judge(X509 *leaf, X509 *issuer, const unsigned char *der, size_t n,
                              const struct policy_desc *policy)
{
    if (n == 0)
        return (struct ocsp_result){
            .status = VERDICT_OCSP_NONE, .openssl = X509_V_ERR_OCSP_VERIFY_NEEDED,
            .text = "no OCSP response was stapled",
        };
    if (!issuer)
        return invalid("the chain has no issuer that could sign an OCSP response");
    fault_clear();
    const unsigned char *at = der;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)n);
    const bool whole = response && at == der + n
        && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
    OCSP_BASICRESP *basic = whole ? OCSP_response_get1_basic(response) : NULL;
    const struct ocsp_result result = judge_basic(basic, leaf, issuer, policy);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    fault_clear();
    return result;
}

bool ocsp_must_staple(X509 *leaf)
{
    int found = -1;
    TLS_FEATURE *features = X509_get_ext_d2i(leaf, NID_tlsfeature, &found, NULL);
    bool must = !features && found != -1;
    for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++)
        must = must || ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i))
            == TLSEXT_TYPE_status_request;
    sk_ASN1_INTEGER_pop_free(features, ASN1_INTEGER_free);
    fault_clear();
    return must;
}
