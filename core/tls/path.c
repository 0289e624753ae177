// path.c - depth-first search through issuers, within a budget.

#include "tls/path.h"

#include "tls/cert.h"
#include "tls/fault.h"

#include <openssl/core_names.h>
#include <openssl/x509v3.h>
#include <time.h>

// Keys in use keep below these; beyond them one check takes milliseconds.
enum { RSA_BITS = 8192, RSA_EXPONENT_BITS = 64, CURVE_BITS = 521 };

// Links whose signature was checked: the same link is part of many paths.
struct link {
    const X509 *subject, *issuer;
    bool good;
};

struct walk {
    struct path_search *s;
    STACK_OF(X509) *below;      // the path so far, the leaf first; borrowed
    struct link links[PATH_CHECKS];
    unsigned link_count;
    int64_t end;                // of the time it may take
};

int64_t path_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool is_over(const struct walk *w)
{
    return w->s->limit != PATH_NO_LIMIT;
}

// Whether so many more signatures may be checked.
static bool spend(struct walk *w, unsigned checks)
{
    struct path_search *s = w->s;
    if (s->checks + checks > PATH_CHECKS)
        s->limit = PATH_LIMIT_CHECKS;
    else if (s->clock() >= w->end)
        s->limit = PATH_LIMIT_TIME;
    else
        s->checks += checks;
    return !is_over(w);
}

static bool is_valid_now(const X509 *x, int64_t now)
{
    return cert_not_before(x) <= now && now <= cert_not_after(x);
}

static bool is_in(STACK_OF(X509) *list, const X509 *x)
{
    for (int i = 0; i < sk_X509_num(list); i++)
        if (X509_cmp(sk_X509_value(list, i), x) == 0)
            return true;
    return false;
}

// Not merely self-issued: a CA that changes its key signs the new one under its old name.
static bool is_root(X509 *x)
{
    return (X509_get_extension_flags(x) & EXFLAG_SS) != 0;
}

static bool has_short_exponent(const EVP_PKEY *key)
{
    BIGNUM *e = NULL;
    const bool is_short = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1
        && BN_num_bits(e) <= RSA_EXPONENT_BITS;
    BN_free(e);
    return is_short;
}

// The budget counts checks, so that each has to be cheap: whoever presents a chain chooses its
// keys, and nobody trusted has signed them yet.
static bool is_cheap(const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))
        return EVP_PKEY_get_bits(key) <= RSA_BITS && has_short_exponent(key);
    return EVP_PKEY_get_bits(key) <= CURVE_BITS;
}

static bool has_signed(struct walk *w, X509 *issuer, X509 *subject)
{
    for (unsigned i = 0; i < w->link_count; i++)
        if (w->links[i].subject == subject && w->links[i].issuer == issuer)
            return w->links[i].good;
    if (!spend(w, 1))
        return false;
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    const bool good = key && is_cheap(key) && X509_verify(subject, key) == 1;
    fault_clear();
    w->links[w->link_count++] = (struct link){ subject, issuer, good };
    return good;
}

static bool is_next(struct walk *w, X509 *tip, X509 *issuer)
{
    return !is_over(w) && X509_check_issued(issuer, tip) == X509_V_OK
        && is_valid_now(issuer, w->s->now) && !is_in(w->below, issuer)
        && has_signed(w, issuer, tip);
}

// OpenSSL checks each link of a complete path again.
static bool judge(struct walk *w, X509 *anchor)
{
    return spend(w, (unsigned)sk_X509_num(w->below)) && w->s->judge(w->s->arg, w->below, anchor);
}

static bool extend(struct walk *w);

static bool extend_by(struct walk *w, X509 *issuer)
{
    if (sk_X509_push(w->below, issuer) <= 0)
        return false;
    const bool found = extend(w);
    sk_X509_pop(w->below);
    return found;
}

static bool extend_by_trusted(struct walk *w, X509 *tip, STACK_OF(X509) *trusted)
{
    for (int i = 0; i < sk_X509_num(trusted); i++) {
        X509 *issuer = sk_X509_value(trusted, i);
        if (!is_next(w, tip, issuer))
            continue;
        const bool root = is_root(issuer);
        if ((root || w->s->partial_chain) && judge(w, issuer))
            return true;
        if (!root && extend_by(w, issuer))
            return true;
    }
    return false;
}

static bool extend_by_sent(struct walk *w, X509 *tip, STACK_OF(X509) *trusted)
{
    for (int i = 1; i < sk_X509_num(w->s->sent); i++) {
        X509 *issuer = sk_X509_value(w->s->sent, i);
        if (!is_root(issuer) && !is_in(trusted, issuer) && is_next(w, tip, issuer)
            && extend_by(w, issuer))
            return true;
    }
    return false;
}

static bool extend(struct walk *w)
{
    const int length = sk_X509_num(w->below);
    if (length > w->s->depth + 1)
        return false;
    if (++w->s->steps > PATH_STEPS) {
        w->s->limit = PATH_LIMIT_STEPS;
        return false;
    }
    X509 *tip = sk_X509_value(w->below, length - 1);
    STACK_OF(X509) *trusted = X509_STORE_CTX_get1_certs(w->s->store, X509_get_issuer_name(tip));
    const bool found = extend_by_trusted(w, tip, trusted) || extend_by_sent(w, tip, trusted);
    sk_X509_pop_free(trusted, X509_free);
    return found;
}

bool path_search(struct path_search *s)
{
    s->checks = s->steps = 0;
    s->limit = PATH_NO_LIMIT;
    struct walk w = { .s = s, .below = sk_X509_new_null(), .end = s->clock() + PATH_US };
    const bool found = w.below && sk_X509_num(s->sent) > 0
        && sk_X509_push(w.below, sk_X509_value(s->sent, 0)) > 0 && extend(&w);
    sk_X509_free(w.below);
    fault_clear();
    return found;
}
