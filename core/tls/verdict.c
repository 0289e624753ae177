// verdict.c - names of verdicts, and the cache of good ones.

#include "tls/verdict.h"

#include "base/mem.h"

#include <openssl/x509_vfy.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *verdict_code_name(enum verdict_code code)
{
    static const char *const names[] = {
#define X(name, text) text,
        VERDICT_CODES(X)
#undef X
    };
    return (size_t)code < ARRAY_LEN(names) ? names[code] : "other";
}

const char *verdict_ocsp_name(enum verdict_ocsp ocsp)
{
    static const char *const names[] = {
#define X(name, text) text,
        VERDICT_OCSP_CODES(X)
#undef X
    };
    return (size_t)ocsp < ARRAY_LEN(names) ? names[ocsp] : "bad";
}

static const struct {
    int openssl;
    enum verdict_code code;
} meaning[] = {
    { X509_V_OK, VERDICT_OK },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, VERDICT_UNTRUSTED_ISSUER },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, VERDICT_UNTRUSTED_ISSUER },
    { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, VERDICT_UNTRUSTED_ISSUER },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, VERDICT_UNTRUSTED_ISSUER },
    { X509_V_ERR_CERT_UNTRUSTED, VERDICT_UNTRUSTED_ISSUER },
    { X509_V_ERR_CERT_REJECTED, VERDICT_UNTRUSTED_ISSUER },
    { X509_V_ERR_SUBJECT_ISSUER_MISMATCH, VERDICT_UNTRUSTED_ISSUER },
    { X509_V_ERR_AKID_SKID_MISMATCH, VERDICT_UNTRUSTED_ISSUER },
    { X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH, VERDICT_UNTRUSTED_ISSUER },
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, VERDICT_SELF_SIGNED },
    { X509_V_ERR_CERT_HAS_EXPIRED, VERDICT_EXPIRED },
    { X509_V_ERR_CERT_NOT_YET_VALID, VERDICT_NOT_YET_VALID },
    { X509_V_ERR_HOSTNAME_MISMATCH, VERDICT_NAME_MISMATCH },
    { X509_V_ERR_IP_ADDRESS_MISMATCH, VERDICT_NAME_MISMATCH },
    { X509_V_ERR_CERT_CHAIN_TOO_LONG, VERDICT_DEPTH_EXCEEDED },
    { X509_V_ERR_PATH_LENGTH_EXCEEDED, VERDICT_DEPTH_EXCEEDED },
    { X509_V_ERR_INVALID_PURPOSE, VERDICT_WRONG_PURPOSE },
    { X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE, VERDICT_WRONG_PURPOSE },
    { X509_V_ERR_CERT_SIGNATURE_FAILURE, VERDICT_BAD_SIGNATURE },
    { X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, VERDICT_BAD_SIGNATURE },
    { X509_V_ERR_INVALID_CA, VERDICT_NOT_A_CA },
    { X509_V_ERR_INVALID_NON_CA, VERDICT_NOT_A_CA },
    { X509_V_ERR_KEYUSAGE_NO_CERTSIGN, VERDICT_NOT_A_CA },
    { X509_V_ERR_EE_KEY_TOO_SMALL, VERDICT_WEAK_KEY },
    { X509_V_ERR_CA_KEY_TOO_SMALL, VERDICT_WEAK_KEY },
    { X509_V_ERR_CA_MD_TOO_WEAK, VERDICT_WEAK_KEY },
    { X509_V_ERR_PERMITTED_VIOLATION, VERDICT_NAME_CONSTRAINT },
    { X509_V_ERR_EXCLUDED_VIOLATION, VERDICT_NAME_CONSTRAINT },
    { X509_V_ERR_SUBTREE_MINMAX, VERDICT_NAME_CONSTRAINT },
    { X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, VERDICT_NAME_CONSTRAINT },
    { X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, VERDICT_NAME_CONSTRAINT },
    { X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, VERDICT_NAME_CONSTRAINT },
    { X509_V_ERR_CERT_REVOKED, VERDICT_REVOKED },
    { X509_V_ERR_CRL_HAS_EXPIRED, VERDICT_CRL_EXPIRED },
    { X509_V_ERR_UNABLE_TO_GET_CRL, VERDICT_CRL_MISSING },
    { X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, VERDICT_CRL_MISSING },
    { X509_V_ERR_DIFFERENT_CRL_SCOPE, VERDICT_CRL_MISSING },
    { X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, VERDICT_CRL_INVALID },
    { X509_V_ERR_CRL_SIGNATURE_FAILURE, VERDICT_CRL_INVALID },
    { X509_V_ERR_CRL_NOT_YET_VALID, VERDICT_CRL_INVALID },
    { X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, VERDICT_CRL_INVALID },
    { X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, VERDICT_CRL_INVALID },
    { X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, VERDICT_CRL_INVALID },
    { X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, VERDICT_CRL_INVALID },
    { X509_V_ERR_CRL_PATH_VALIDATION_ERROR, VERDICT_CRL_INVALID },
    { X509_V_ERR_OCSP_VERIFY_NEEDED, VERDICT_OCSP_REQUIRED },
    { X509_V_ERR_OCSP_VERIFY_FAILED, VERDICT_OCSP_INVALID },
    { X509_V_ERR_OCSP_CERT_UNKNOWN, VERDICT_OCSP_INVALID },
    { X509_V_ERR_EMAIL_MISMATCH, VERDICT_NAME_MISMATCH },
    { X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, VERDICT_MALFORMED },
    { X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA, VERDICT_NOT_COMPLIANT },
    { X509_V_ERR_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN, VERDICT_NOT_COMPLIANT },
    { X509_V_ERR_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA, VERDICT_NOT_COMPLIANT },
    { X509_V_ERR_ISSUER_NAME_EMPTY, VERDICT_NOT_COMPLIANT },
    { X509_V_ERR_SUBJECT_NAME_EMPTY, VERDICT_NOT_COMPLIANT },
    { X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER, VERDICT_NOT_COMPLIANT },
    { X509_V_ERR_AUTHORITY_KEY_IDENTIFIER_CRITICAL, VERDICT_NOT_COMPLIANT },
    { X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER, VERDICT_NOT_COMPLIANT },
    { X509_V_ERR_SUBJECT_KEY_IDENTIFIER_CRITICAL, VERDICT_NOT_COMPLIANT },
    { X509_V_ERR_EMPTY_SUBJECT_ALT_NAME, VERDICT_NOT_COMPLIANT },
    { X509_V_ERR_EMPTY_SUBJECT_SAN_NOT_CRITICAL, VERDICT_NOT_COMPLIANT },
    { X509_V_ERR_CA_BCONS_NOT_CRITICAL, VERDICT_NOT_COMPLIANT },
    { X509_V_ERR_CA_CERT_MISSING_KEY_USAGE, VERDICT_NOT_COMPLIANT },
    { X509_V_ERR_EXTENSIONS_REQUIRE_VERSION_3, VERDICT_NOT_COMPLIANT },
    { X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH, VERDICT_MALFORMED },
    { X509_V_ERR_SIGNATURE_ALGORITHM_INCONSISTENCY, VERDICT_MALFORMED },
    { X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, VERDICT_MALFORMED },
    { X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, VERDICT_MALFORMED },
    { X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, VERDICT_MALFORMED },
    { X509_V_ERR_NO_ISSUER_PUBLIC_KEY, VERDICT_MALFORMED },
    { X509_V_ERR_INVALID_EXTENSION, VERDICT_MALFORMED },
    { X509_V_ERR_INVALID_POLICY_EXTENSION, VERDICT_MALFORMED },
};

enum verdict_code verdict_code_of(int openssl)
{
    for (size_t i = 0; i < ARRAY_LEN(meaning); i++)
        if (meaning[i].openssl == openssl)
            return meaning[i].code;
    return VERDICT_OTHER;
}

// -- one verdict ----------------------------------------------------------------------------------

void verdict_begin(struct verdict *v, const struct policy *policy)
{
    *v = (struct verdict){
        .code = VERDICT_UNVERIFIED, .text = "not verified", .depth = -1,
        .mode = policy->desc.verify,
    };
    memcpy(v->bundle, policy->desc.trust->id, sizeof v->bundle);
    memcpy(v->policy, policy->id, sizeof v->policy);
}

// What the fields take at most is less than VERDICT_LINE; what would not fit is cut.
struct line {
    char *out;
    size_t used;
};

static void add(struct line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(l->out + l->used, VERDICT_LINE - l->used, format, args);
    va_end(args);
    if (n > 0)
        l->used = l->used + (size_t)n < VERDICT_LINE ? l->used + (size_t)n : VERDICT_LINE - 1;
}

static void add_text(struct line *l, const char *name, const char *text)
{
    if (text[0])
        add(l, ", %s: \"%s\"", name, text);
}

static void add_certificate(struct line *l, const struct verdict *v)
{
    char sha256[2 * DIGEST_SIZE + 1];
    digest_hex(v->sha256, sizeof v->sha256, sha256);
    add_text(l, "subject", v->subject);
    add_text(l, "issuer", v->issuer);
    if (verdict_has_certificate(v))
        add(l, ", sha256: %s, not_before: %lld, not_after: %lld", sha256,
            (long long)v->not_before, (long long)v->not_after);
}

size_t verdict_print(const struct verdict *v, char out[VERDICT_LINE])
{
    struct line l = { .out = out };
    add(&l, ", code: %s", verdict_code_name(v->code));
    if (v->depth >= 0)
        add(&l, ", depth: %d", v->depth);
    add(&l, ", openssl: %d, text: \"%s\"", v->openssl, verdict_text(v));
    add_certificate(&l, v);
    add_text(&l, "names_seen", v->names_seen);
    add_text(&l, "names_wanted", v->names_wanted);
    add_text(&l, "anchor", v->anchor);
    add(&l, ", bundle: %s, policy: %s, mode: %s, resumed: %s, cached: %s", v->bundle, v->policy,
        policy_mode_name(v->mode), v->resumed ? "true" : "false", v->cached ? "true" : "false");
    if (v->ocsp != VERDICT_OCSP_OFF)
        add(&l, ", ocsp: %s", verdict_ocsp_name(v->ocsp));
    if (v->has_next)
        add(&l, ", next_code: %s", verdict_code_name(v->next));
    return l.used;
}

// -- good ones ------------------------------------------------------------------------------------

struct verdict_good verdict_good_of(const struct verdict *v, int64_t at, int64_t bound)
{
    struct verdict_good good = {
        .at = at, .bound = bound, .has_next = v->has_next, .next = v->next,
        .ocsp = v->ocsp, .ocsp_text = v->ocsp_text,
    };
    memcpy(good.anchor, v->anchor, sizeof(good.anchor));
    return good;
}

void verdict_recall(struct verdict *v, const struct verdict_good *good)
{
    v->has_next = good->has_next;
    v->next = good->next;
    v->ocsp = good->ocsp;
    v->ocsp_text = good->ocsp_text;
    memcpy(v->anchor, good->anchor, sizeof(v->anchor));
}

bool verdict_holds(const struct verdict_good *good, int64_t now)
{
    return good->at <= now && now < good->bound;
}

struct entry {
    struct list node;
    unsigned char key[DIGEST_SIZE];
    struct verdict_good good;
};

static uint64_t hash_of(const unsigned char key[DIGEST_SIZE])
{
    uint64_t hash;
    memcpy(&hash, key, sizeof(hash));
    return hash;
}

static bool same(const void *value, const void *key)
{
    return memcmp(((const struct entry *)value)->key, key, DIGEST_SIZE) == 0;
}

static void forget(struct verdict_cache *c, struct entry *e)
{
    table_remove(&c->table, hash_of(e->key), e);
    list_remove(&e->node);
    free(e);
}

void verdict_cache_init(struct verdict_cache *c)
{
    c->table = (struct table){ 0 };
    list_init(&c->by_age);
}

void verdict_cache_done(struct verdict_cache *c)
{
    list_each(it, &c->by_age)
        forget(c, container_of(it, struct entry, node));
    table_done(&c->table);
}

static bool holds(const struct entry *e, int64_t now)
{
    return verdict_holds(&e->good, now) && now < e->good.at + VERDICT_CACHE_AGE;
}

bool verdict_cache_find(struct verdict_cache *c, const unsigned char key[DIGEST_SIZE], int64_t now,
                        struct verdict_good *out)
{
    struct entry *e = table_get(&c->table, hash_of(key), same, key);
    if (!e)
        return false;
    if (!holds(e, now)) {
        forget(c, e);
        return false;
    }
    *out = e->good;
    return true;
}

void verdict_cache_put(struct verdict_cache *c, const unsigned char key[DIGEST_SIZE],
                       const struct verdict_good *good)
{
    struct entry *known = table_get(&c->table, hash_of(key), same, key);
    if (known)
        forget(c, known);
    else if (c->table.count >= VERDICT_CACHE_MAX)
        forget(c, container_of(list_first(&c->by_age), struct entry, node));
    struct entry *e = xmalloc(sizeof(*e));
    e->good = *good;
    memcpy(e->key, key, DIGEST_SIZE);
    list_push_tail(&c->by_age, &e->node);
    table_put(&c->table, hash_of(key), e);
}
