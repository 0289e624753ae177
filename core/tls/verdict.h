// How a peer's certificate chain was judged, and the cache of good verdicts.
//
// Threads: a worker's. A cache belongs to one tls_client (tls/client.h), hence to one policy of one
// worker: what it holds was verified under exactly that policy.

#pragma once

#include "base/list.h"
#include "base/table.h"
#include "tls/digest.h"
#include "tls/policy.h"

// Stable reasons, for logs, counters and Lua: VERDICT(code, "text id").
#define VERDICT_CODES(X) \
    X(OK, "ok") X(UNVERIFIED, "unverified") X(UNTRUSTED_ISSUER, "untrusted_issuer") \
    X(SELF_SIGNED, "self_signed") X(EXPIRED, "expired") X(NOT_YET_VALID, "not_yet_valid") \
    X(NAME_MISMATCH, "name_mismatch") X(DEPTH_EXCEEDED, "depth_exceeded") \
    X(WRONG_PURPOSE, "wrong_purpose") X(BAD_SIGNATURE, "bad_signature") X(NOT_A_CA, "not_a_ca") \
    X(WEAK_KEY, "weak_key") X(NAME_CONSTRAINT, "name_constraint") X(REVOKED, "revoked") \
    X(CRL_EXPIRED, "crl_expired") X(CRL_MISSING, "crl_missing") X(CRL_INVALID, "crl_invalid") \
    X(OCSP_REQUIRED, "ocsp_required") X(OCSP_INVALID, "ocsp_invalid") \
    X(PIN_MISMATCH, "pin_mismatch") X(NOT_COMPLIANT, "not_compliant") \
    X(REFUSED_BY_PLUGIN, "refused_by_plugin") \
    X(NO_CERTIFICATE, "no_certificate") X(MALFORMED, "malformed") X(OTHER, "other")

enum verdict_code {
#define X(name, text) VERDICT_##name,
    VERDICT_CODES(X)
#undef X
    VERDICT_CODE_COUNT
};

const char *verdict_code_name(enum verdict_code code);

// The reason that an OpenSSL error (X509_V_ERR_*) stands for; what is not known is OTHER, never OK.
enum verdict_code verdict_code_of(int openssl);

// What became of a stapled OCSP response: VERDICT_OCSP(code, "text id"). OFF: none was judged.
#define VERDICT_OCSP_CODES(X) \
    X(OFF, "") X(GOOD, "good") X(NONE, "none") X(BAD, "bad") X(UNKNOWN, "unknown") \
    X(REVOKED, "revoked")

enum verdict_ocsp {
#define X(name, text) VERDICT_OCSP_##name,
    VERDICT_OCSP_CODES(X)
#undef X
};

const char *verdict_ocsp_name(enum verdict_ocsp ocsp);

enum { VERDICT_NAME = 256, VERDICT_LIST = 512, VERDICT_SAID = 256 };

struct verdict {
    enum verdict_code code;
    int openssl;                // X509_V_ERR_*, 0 when ok
    const char *text;           // static: "hostname mismatch"; see verdict_text()
    char said[VERDICT_SAID];    // what a plugin that refused had to say
    int depth;                  // of the certificate at fault, 0 is the leaf; -1 when there is none
    char subject[VERDICT_NAME]; // of the certificate at fault (RFC 2253), cut to size
    char issuer[VERDICT_NAME];
    unsigned char sha256[32];   // of its DER
    int64_t not_before, not_after;
    char names_seen[VERDICT_LIST], names_wanted[VERDICT_LIST];  // of a chain that was refused
    char anchor[VERDICT_NAME];  // subject of the anchor of a chain that is good
    char bundle[TRUST_ID + 1];  // whose members were trusted
    char policy[TRUST_ID + 1];  // that it was judged by
    enum policy_verify mode;    // of that policy; where it only reports, the connection goes on
    enum verdict_ocsp ocsp;
    const char *ocsp_text;      // static: why it is not good; NULL when it is, or none was judged
    bool cached;                // answered from the verdict cache
    bool resumed;               // no certificate was sent: a session of the same peer was resumed
    bool has_next;
    enum verdict_code next;     // by the `next` bundle, where the policy has one
};

// Nothing is judged yet: VERDICT_UNVERIFIED, with what the policy says of itself.
void verdict_begin(struct verdict *v, const struct policy *policy);

// Whether what was found is good enough for a policy that enforces.
static inline bool verdict_is_good(const struct verdict *v)
{
    return v->code == VERDICT_OK;
}

// Whether it was let pass although no good response was stapled, as policies with soft OCSP do.
static inline bool verdict_lacks_ocsp(const struct verdict *v)
{
    return v->code == VERDICT_OK && v->ocsp != VERDICT_OCSP_OFF && v->ocsp != VERDICT_OCSP_GOOD;
}

// Whether the connection went on though enforcing would have refused it.
static inline bool verdict_is_reported(const struct verdict *v)
{
    return v->mode == POLICY_REPORT && !verdict_is_good(v);
}

// Whether the fields of a certificate are those of one.
static inline bool verdict_has_certificate(const struct verdict *v)
{
    return v->subject[0] || v->issuer[0] || v->not_after != 0;
}

enum { VERDICT_LINE = 4096 };

// Writes ", name: value" for each field that says something, under the names that plugins and the
// Admin API have for them (plugins/upstream-tls/README.md), with a NUL. Returns the length.
size_t verdict_print(const struct verdict *v, char out[VERDICT_LINE]);

// The reason in words: the plugin's where one refused.
static inline const char *verdict_text(const struct verdict *v)
{
    return v->code == VERDICT_REFUSED_BY_PLUGIN ? v->said : v->text;
}

enum { VERDICT_CACHE_MAX = 256, VERDICT_CACHE_AGE = 30 * 60 };

// What is remembered of a chain that passed: in the cache, with sessions, and for as long as a
// connection is kept.
struct verdict_good {
    int64_t at;                 // unix seconds, when it was judged
    int64_t bound;              // end of the chain, or of what is known of revocation
    bool has_next;
    enum verdict_code next;
    enum verdict_ocsp ocsp;
    const char *ocsp_text;
    char anchor[VERDICT_NAME];
};

// Of a verdict that was reached at `at`, and back: what a chain is said to have that is not judged
// again.
struct verdict_good verdict_good_of(const struct verdict *v, int64_t at, int64_t bound);
void verdict_recall(struct verdict *v, const struct verdict_good *good);

// Whether judging the chain again would end as it did, as far as that is a matter of time. All that
// counts begins before `at` and ends with the bound, so nothing is said about a time before `at`:
// then the clock went backwards, and the chain has to be judged anew.
bool verdict_holds(const struct verdict_good *good, int64_t now);

// All zero plus verdict_cache_init() is empty. Entries are found by a digest over what was judged.
struct verdict_cache {
    struct table table;
    struct list by_age;     // oldest first
};

void verdict_cache_init(struct verdict_cache *c);
void verdict_cache_done(struct verdict_cache *c);

// Whether these certificates and this name passed before and still do: an entry holds as
// verdict_holds() says, and for VERDICT_CACHE_AGE seconds.
bool verdict_cache_find(struct verdict_cache *c, const unsigned char key[DIGEST_SIZE], int64_t now,
                        struct verdict_good *out);

// Remembers a chain that passed; the oldest entry makes room.
void verdict_cache_put(struct verdict_cache *c, const unsigned char key[DIGEST_SIZE],
                       const struct verdict_good *good);
