// constraints.c - wildcards against excluded subtrees; constraints where none belong.

#include "tls/constraints.h"

#include "base/str.h"
#include "tls/fault.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

static struct str text_of(const ASN1_STRING *s)
{
    return (struct str){ (const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s) };
}

// Whether "*.base" stands for `excluded` itself: one label more than the base. What is further up
// holds the base too and is OpenSSL's to find; what is further down, no wildcard reaches.
static bool reaches(struct str wildcard, struct str excluded)
{
    const struct str base = str_sub(wildcard, 1, wildcard.n);      // ".example.com"
    if (excluded.n > 0 && excluded.p[0] == '.')
        excluded = str_sub(excluded, 1, excluded.n);
    if (excluded.n <= base.n)
        return false;
    const size_t label = excluded.n - base.n;
    return str_eq_nocase(str_sub(excluded, label, excluded.n), base)
        && str_find(str_sub(excluded, 0, label), '.', 0) == label;
}

static bool is_excluded(struct str wildcard, const NAME_CONSTRAINTS *nc)
{
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(nc->excludedSubtrees); i++) {
        const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(nc->excludedSubtrees, i)->base;
        if (base->type == GEN_DNS && reaches(wildcard, text_of(base->d.dNSName)))
            return true;
    }
    return false;
}

// An extension that is there must be read: whatever keeps us from it is as bad as a violation.
static void *extension(X509 *x, int nid, bool *unread)
{
    int found = -1;
    void *value = X509_get_ext_d2i(x, nid, &found, NULL);
    *unread = !value && found != -1;
    return value;
}

static bool violates(const GENERAL_NAMES *names, X509 *ca)
{
    bool bad;
    NAME_CONSTRAINTS *nc = extension(ca, NID_name_constraints, &bad);
    for (int i = 0; nc && !bad && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        const struct str name = g->type == GEN_DNS ? text_of(g->d.dNSName) : STR_NONE;
        bad = str_starts(name, STR("*.")) && is_excluded(name, nc);
    }
    NAME_CONSTRAINTS_free(nc);
    return bad;
}

int constraints_check(STACK_OF(X509) *chain, int *depth)
{
    X509 *leaf = sk_X509_value(chain, 0);
    *depth = 0;
    if (X509_get_ext_by_NID(leaf, NID_name_constraints, -1) >= 0 && X509_check_ca(leaf) == 0)
        return X509_V_ERR_INVALID_EXTENSION;
    bool bad;
    GENERAL_NAMES *names = extension(leaf, NID_subject_alt_name, &bad);
    for (int i = 1; names && !bad && i < sk_X509_num(chain); i++)
        bad = violates(names, sk_X509_value(chain, i));
    GENERAL_NAMES_free(names);
    fault_clear();
    return bad ? X509_V_ERR_EXCLUDED_VIOLATION : X509_V_OK;
}
