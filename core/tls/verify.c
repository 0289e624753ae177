// verify.c - from a certificate chain to a verdict.

#include "tls/verify.h"

#include "tls/cert.h"
#include "tls/constraints.h"
#include "tls/fault.h"
#include "tls/libctx.h"
#include "tls/ocsp.h"
#include "tls/path.h"
#include "tls/strict.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// One judgement of one presentation by one bundle.
struct judgement {
    const struct verify *v;
    const struct trust *trust;
    STACK_OF(X509) *sent;           // with keys decoded
    int64_t now;
    const struct name *names;       // wanted
    unsigned name_count;
    struct verdict *verdict;
    void **path;                    // see struct verify
    int64_t bound;
};

// -- the certificate at fault ---------------------------------------------------------------------

static void describe(struct verdict *v, const X509 *x)
{
    cert_name(X509_get_subject_name(x), v->subject);
    cert_name(X509_get_issuer_name(x), v->issuer);
    v->not_before = cert_not_before(x);
    v->not_after = cert_not_after(x);
    if (!cert_sha256(x, v->sha256))
        memset(v->sha256, 0, sizeof(v->sha256));
}

void verify_describe(struct verdict *v, void *leaf, const struct policy *policy,
                     const struct peer_name *name)
{
    const struct policy_desc *d = &policy->desc;
    describe(v, leaf);
    names_seen(leaf, v->names_seen);
    if (d->name_count > 0) {
        names_wanted(d->names, d->name_count, v->names_wanted);
    } else if (d->verify_name && name) {
        const struct name own = name_of_peer(name);
        names_wanted(&own, 1, v->names_wanted);
    }
}

static void reject_as(struct judgement *j, enum verdict_code code, int openssl, const char *text,
                      int depth, const X509 *x)
{
    struct verdict *v = j->verdict;
    v->code = code;
    v->openssl = openssl;
    v->text = text;
    v->depth = depth;
    v->anchor[0] = '\0';
    if (x)
        describe(v, x);
    names_seen(sk_X509_value(j->sent, 0), v->names_seen);
    names_wanted(j->names, j->name_count, v->names_wanted);
}

static void reject(struct judgement *j, int openssl, int depth, const X509 *x)
{
    reject_as(j, verdict_code_of(openssl), openssl, X509_verify_cert_error_string(openssl), depth,
              x);
}

// -- keys that the slim context cannot decode -----------------------------------------------------

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

// -- one path -------------------------------------------------------------------------------------

static bool set_parameters(X509_STORE_CTX *ctx, const struct policy_desc *d, int64_t now)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    unsigned long flags = 0;
    if (d->partial_chain)
        flags |= X509_V_FLAG_PARTIAL_CHAIN;
    if (d->strict)
        flags |= X509_V_FLAG_X509_STRICT;
    if (d->crls)
        flags |= X509_V_FLAG_CRL_CHECK | (d->crl_chain ? X509_V_FLAG_CRL_CHECK_ALL : 0);
    if (X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) != 1
        || X509_VERIFY_PARAM_set_trust(param, X509_TRUST_SSL_SERVER) != 1
        || (flags && X509_VERIFY_PARAM_set_flags(param, flags) != 1))
        return false;
    X509_VERIFY_PARAM_set_depth(param, d->depth);
    X509_VERIFY_PARAM_set_auth_level(param, d->security_level);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    X509_VERIFY_PARAM_set_time(param, (time_t)now);
    if (d->crls)
        X509_STORE_CTX_set0_crls(ctx, d->crls->stack);
    return X509_VERIFY_PARAM_get_depth(param) == d->depth
        && (X509_VERIFY_PARAM_get_flags(param) & flags) == flags;
}

static X509_STORE_CTX *context(const struct judgement *j, STACK_OF(X509) *below)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new_ex(libctx_client(), NULL);
    if (ctx && X509_STORE_CTX_init(ctx, j->trust->store, sk_X509_value(j->sent, 0), below) == 1
        && set_parameters(ctx, &j->v->policy->desc, j->now))
        return ctx;
    X509_STORE_CTX_free(ctx);
    return NULL;
}

static int64_t earliest_end(STACK_OF(X509) *chain, const struct crls *crls, int64_t now)
{
    int64_t end = crls ? crls_bound(crls, now) : INT64_MAX;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        const int64_t not_after = cert_not_after(sk_X509_value(chain, i));
        if (not_after < end)
            end = not_after;
    }
    return end;
}

static bool has_pin(X509 *leaf, const struct policy_desc *d)
{
    unsigned char whole[DIGEST_SIZE], key[DIGEST_SIZE], *der = NULL;
    const int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
    const bool ok = n > 0 && digest_sha256(der, (size_t)n, key) && cert_sha256(leaf, whole);
    OPENSSL_free(der);
    for (uint32_t i = 0; ok && i < d->pin_count; i++)
        if (memcmp(d->pins[i].sha256, d->pins[i].kind == PIN_KEY ? key : whole, DIGEST_SIZE) == 0)
            return true;
    return false;
}

// What depends on the leaf alone comes last, so that it is said of chains that are sound.
static bool judge_leaf(struct judgement *j, X509 *leaf)
{
    const struct policy_desc *d = &j->v->policy->desc;
    if (j->name_count > 0) {
        const int error = name_check(leaf, j->names, j->name_count, d->names_all);
        if (error != X509_V_OK) {
            reject(j, error, 0, leaf);
            return false;
        }
    }
    if (d->pin_count == 0 || has_pin(leaf, d))
        return true;
    reject_as(j, VERDICT_PIN_MISMATCH, X509_V_ERR_APPLICATION_VERIFICATION,
              "certificate matches no pin", 0, leaf);
    return false;
}

// Judges what OpenSSL accepted by the rules that it does not have.
static bool judge_chain(struct judgement *j, STACK_OF(X509) *chain)
{
    int depth;
    const int error = constraints_check(chain, &depth);
    if (error != X509_V_OK) {
        reject(j, error, depth, sk_X509_value(chain, depth));
        return false;
    }
    const char *wrong = j->v->policy->desc.strict ? strict_check(chain, &depth) : NULL;
    if (wrong) {
        reject_as(j, VERDICT_NOT_COMPLIANT, X509_V_ERR_APPLICATION_VERIFICATION, wrong, depth,
                  sk_X509_value(chain, depth));
        return false;
    }
    if (!judge_leaf(j, sk_X509_value(chain, 0)))
        return false;
    X509 *anchor = sk_X509_value(chain, sk_X509_num(chain) - 1);
    cert_name(X509_get_subject_name(anchor), j->verdict->anchor);
    j->bound = earliest_end(chain, j->v->policy->desc.crls, j->now);
    if (j->path)
        *j->path = X509_chain_up_ref(chain);
    return true;
}

// Runs OpenSSL's verification and what comes after it; the verdict is filled when it fails.
static bool run(struct judgement *j, X509_STORE_CTX *ctx)
{
    fault_clear();
    const int ret = X509_verify_cert(ctx);
    fault_clear();
    int error = X509_STORE_CTX_get_error(ctx);
    if (ret != 1 && error == X509_V_OK)
        error = X509_V_ERR_UNSPECIFIED;
    if (error == X509_V_OK)
        return judge_chain(j, X509_STORE_CTX_get0_chain(ctx));
    reject(j, error, X509_STORE_CTX_get_error_depth(ctx), X509_STORE_CTX_get_current_cert(ctx));
    return false;
}

// -- all paths ------------------------------------------------------------------------------------

// For path_search(): a path is judged with nothing else in reach. The verdict of a path that fails
// is not the one that people should read: that is the first one.
static bool judge_path(void *arg, STACK_OF(X509) *below, X509 *anchor)
{
    struct judgement *j = arg;
    struct verdict first = *j->verdict;
    STACK_OF(X509) *trusted = sk_X509_new_null();
    X509_STORE_CTX *ctx = context(j, below);
    bool good = false;
    if (ctx && trusted && sk_X509_push(trusted, anchor) > 0) {
        X509_STORE_CTX_set0_trusted_stack(ctx, trusted);
        good = run(j, ctx);
    }
    X509_STORE_CTX_free(ctx);
    sk_X509_free(trusted);
    if (!good)
        *j->verdict = first;
    return good;
}

// Whether another path could end otherwise: what is wrong with the leaf itself is so on every path.
static bool depends_on_path(const struct verdict *v)
{
    return v->depth > 0 || v->code == VERDICT_UNTRUSTED_ISSUER || v->code == VERDICT_BAD_SIGNATURE
        || v->code == VERDICT_NAME_CONSTRAINT || v->code == VERDICT_CRL_MISSING
        || v->code == VERDICT_CRL_INVALID;
}

// The reason stays the one of OpenSSL's path; that there may be another, which was not looked for,
// is said in its text.
static void tell_limit(struct verdict *v, enum path_limit limit)
{
    static const char *const texts[] = {
        [PATH_LIMIT_CHECKS] = "no path found within 64 signature checks",
        [PATH_LIMIT_STEPS] = "no path found within 512 steps of the search",
        [PATH_LIMIT_TIME] = "no path found within 50 ms",
    };
    _Static_assert(PATH_CHECKS == 64 && PATH_STEPS == 512 && PATH_US == 50000, "as the texts say");
    if (limit != PATH_NO_LIMIT)
        v->text = texts[limit];
}

static bool search(struct judgement *j)
{
    const struct policy_desc *d = &j->v->policy->desc;
    X509_STORE_CTX *ctx = context(j, j->sent);
    if (!ctx)
        return false;
    struct path_search s = {
        .store = ctx, .sent = j->sent, .now = j->now, .depth = d->depth,
        .partial_chain = d->partial_chain, .judge = judge_path, .arg = j,
        .clock = j->v->clock ? j->v->clock : path_clock,
    };
    const bool found = path_search(&s);
    X509_STORE_CTX_free(ctx);
    if (!found)
        tell_limit(j->verdict, s.limit);
    return found;
}

static void accept(struct verdict *v)
{
    v->code = VERDICT_OK;
    v->openssl = X509_V_OK;
    v->text = X509_verify_cert_error_string(X509_V_OK);
    v->depth = -1;
    v->subject[0] = v->issuer[0] = v->names_seen[0] = v->names_wanted[0] = '\0';
    v->not_before = v->not_after = 0;
    memset(v->sha256, 0, sizeof(v->sha256));
}

static bool judge_all(struct judgement *j)
{
    X509_STORE_CTX *ctx = context(j, j->sent);
    if (!ctx) {
        reject(j, X509_V_ERR_UNSPECIFIED, -1, NULL);
        return false;
    }
    bool good = run(j, ctx);
    X509_STORE_CTX_free(ctx);
    if (!good && depends_on_path(j->verdict))
        good = search(j);
    if (good)
        accept(j->verdict);
    return good;
}

// -- presentations --------------------------------------------------------------------------------

bool verify_digest(void *sent, unsigned char sha256[DIGEST_SIZE])
{
    struct digest d;
    digest_begin(&d);
    for (int i = 0; i < sk_X509_num(sent); i++) {
        unsigned char *der = NULL;
        const int n = i2d_X509(sk_X509_value(sent, i), &der);
        d.ok = d.ok && n > 0;
        if (n > 0)
            digest_add_field(&d, der, (size_t)n);
        OPENSSL_free(der);
    }
    return digest_end(&d, sha256);
}

// Over the certificates and the name: what the verdict depends on besides the policy.
static bool chain_key(const struct verify *v, unsigned char key[DIGEST_SIZE])
{
    struct digest d;
    digest_begin(&d);
    digest_add_field(&d, v->name ? v->name->text : "", v->name ? v->name->len : 0);
    digest_add(&d, v->presented, DIGEST_SIZE);
    return digest_end(&d, key);
}

static bool judge_in_full(struct verify *v, STACK_OF(X509) *sent, int64_t now)
{
    const struct policy_desc *d = &v->policy->desc;
    const struct name own = v->name ? name_of_peer(v->name) : (struct name){ 0 };
    STACK_OF(X509) *again = lacks_key(sent) ? decode_again(sent) : NULL;
    struct judgement j = {
        .v = v, .trust = d->trust, .sent = again ? again : sent, .now = now,
        .names = d->name_count ? d->names : &own,
        .name_count = d->name_count ? d->name_count : d->verify_name && v->name ? 1 : 0,
        .verdict = v->verdict, .path = v->path,
    };
    const bool good = judge_all(&j);
    v->bound = j.bound;
    if (d->next) {
        struct verdict by_next = { .code = VERDICT_UNVERIFIED };
        struct judgement other = j;
        other.trust = d->next;
        other.verdict = &by_next;
        other.path = NULL;
        judge_all(&other);
        v->verdict->has_next = true;
        v->verdict->next = by_next.code;
    }
    if (good && v->describe)
        verify_describe(v->verdict, sk_X509_value(sent, 0), v->policy, v->name);
    sk_X509_pop_free(again, X509_free);
    return good;
}

static bool recall(struct verify *v, const unsigned char key[DIGEST_SIZE], int64_t now)
{
    struct verdict_good known;
    if (!verdict_cache_find(v->cache, key, now, &known))
        return false;
    accept(v->verdict);
    v->verdict->cached = true;
    verdict_recall(v->verdict, &known);
    v->bound = known.bound;
    return true;
}

static void remember(struct verify *v, const unsigned char key[DIGEST_SIZE], int64_t now)
{
    const struct verdict_good good = verdict_good_of(v->verdict, now, v->bound);
    verdict_cache_put(v->cache, key, &good);
}

bool verify_sent(struct verify *v, void *sent, int64_t now)
{
    const enum policy_verify mode = v->policy->desc.verify;
    verdict_begin(v->verdict, v->policy);
    v->bound = INT64_MAX;
    if (mode == POLICY_NO_VERIFY)
        return true;
    unsigned char key[DIGEST_SIZE];
    // A remembered chain has no path at hand.
    const bool cacheable = v->cache && v->presented && !v->path && chain_key(v, key);
    fault_clear();
    if (cacheable && recall(v, key, now))
        return true;
    const bool good = sk_X509_num(sent) > 0 && judge_in_full(v, sent, now);
    if (!good)
        v->bound = 0;   // in report mode the connection goes on, but nothing of it is kept
    else if (cacheable)
        remember(v, key, now);
    return good || mode == POLICY_REPORT;
}

bool verify_judge(struct verify *v, void *store_ctx, int64_t now)
{
    const bool goes_on = verify_sent(v, X509_STORE_CTX_get0_untrusted(store_ctx), now);
    const int error = v->verdict->openssl;
    X509_STORE_CTX_set_error(store_ctx, goes_on || error ? error : X509_V_ERR_UNSPECIFIED);
    return goes_on;
}

// -- after the chain ------------------------------------------------------------------------------

// What is found out about the leaf once the chain has passed. True when the handshake goes on.
static bool refuse_leaf(struct verify *v, X509 *leaf, enum verdict_code code, int openssl,
                        const char *text)
{
    v->bound = 0;
    v->verdict->code = code;
    v->verdict->openssl = openssl;
    v->verdict->text = text;
    v->verdict->depth = 0;
    v->verdict->anchor[0] = '\0';
    verify_describe(v->verdict, leaf, v->policy, v->name);
    return v->policy->desc.verify == POLICY_REPORT;
}

// A path of one is its own issuer if it signed itself; an anchor that did not has none.
void *verify_issuer(void *path)
{
    X509 *leaf = sk_X509_value(path, 0);
    if (!leaf || sk_X509_num(path) > 1)
        return sk_X509_value(path, 1);
    return X509_self_signed(leaf, 0) == 1 ? leaf : NULL;
}

static bool is_refused(const struct policy_desc *d, enum verdict_ocsp status, X509 *leaf)
{
    return status == VERDICT_OCSP_REVOKED
        || (status != VERDICT_OCSP_GOOD
            && (d->ocsp == POLICY_OCSP_HARD || ocsp_must_staple(leaf)));
}

bool verify_staple(struct verify *v, void *leaf, void *issuer, const unsigned char *der, size_t n)
{
    const struct policy_desc *d = &v->policy->desc;
    const struct ocsp_result r = ocsp_judge(leaf, issuer, der, n, d);
    v->verdict->ocsp = r.status;
    v->verdict->ocsp_text = r.status == VERDICT_OCSP_GOOD ? NULL : r.text;
    if (!is_refused(d, r.status, leaf)) {
        if (r.status == VERDICT_OCSP_GOOD && r.until < v->bound)
            v->bound = r.until;
        return true;
    }
    return refuse_leaf(v, leaf, verdict_code_of(r.openssl), r.openssl, r.text);
}

// Control characters, quotes and what is not ASCII become "?": the text goes into log lines.
static void keep_said(struct verdict *v, const char *said)
{
    size_t n = 0;
    for (; said[n] && n + 1 < sizeof(v->said); n++)
        v->said[n] = said[n] < ' ' || said[n] > '~' || said[n] == '"' ? '?' : said[n];
    v->said[n] = '\0';
}

bool verify_refuse(struct verify *v, void *leaf, const char *said)
{
    keep_said(v->verdict, said);
    return refuse_leaf(v, leaf, VERDICT_REFUSED_BY_PLUGIN, X509_V_ERR_APPLICATION_VERIFICATION,
                       "refused by a plugin");
}
