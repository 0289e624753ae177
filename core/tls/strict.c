// strict.c - the rules of profiles that most verifiers pass over.

#include "tls/strict.h"

#include "tls/fault.h"

#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

enum { SERIAL_MAX = 20, UTC_LENGTH = 13, GENERALIZED_LENGTH = 15, X509_V3 = 2 };

// RFC 5280 §4.1.2.2: positive and at most 20 octets.
static bool has_good_serial(const X509 *x)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    const unsigned char *p = ASN1_STRING_get0_data(serial);
    const int n = ASN1_STRING_length(serial);
    if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER || n < 1 || n > SERIAL_MAX)
        return false;
    const int sign = p[0] >= 0x80 ? 1 : 0;      // the octet that keeps it positive
    return n + sign <= SERIAL_MAX && (n > 1 || p[0] != 0);
}

// RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050, to the second, in UTC.
static bool has_good_form(const ASN1_TIME *t)
{
    const char *p = (const char *)ASN1_STRING_get0_data(t);
    const int n = ASN1_STRING_length(t);
    if (ASN1_STRING_type(t) == V_ASN1_UTCTIME)
        return n == UTC_LENGTH && p[n - 1] == 'Z';
    return n == GENERALIZED_LENGTH && p[n - 1] == 'Z' && memcmp(p, "2050", 4) >= 0;
}

static const char *check_any(const X509 *x)
{
    return X509_get_version(x) != X509_V3 ? "not a version 3 certificate"
        : !has_good_serial(x) ? "serial number is not positive or too long"
        : !has_good_form(X509_get0_notBefore(x)) || !has_good_form(X509_get0_notAfter(x))
            ? "a date is not in the form of RFC 5280" : NULL;
}

static bool names_purpose(X509 *leaf)
{
    EXTENDED_KEY_USAGE *uses = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
    bool server = false, any = false;
    for (int i = 0; i < sk_ASN1_OBJECT_num(uses); i++) {
        const int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(uses, i));
        server = server || nid == NID_server_auth;
        any = any || nid == NID_anyExtendedKeyUsage;
    }
    EXTENDED_KEY_USAGE_free(uses);
    return server && !any;
}

static const char *check_leaf(X509 *x)
{
    const char *wrong = check_any(x);
    return wrong ? wrong
        : X509_get_ext_by_NID(x, NID_subject_alt_name, -1) < 0 ? "no subject alternative name"
        : !names_purpose(x) ? "extended key usage does not name server authentication alone"
        : X509_check_ca(x) != 0 ? "a CA certificate as leaf" : NULL;
}

const char *strict_check(STACK_OF(X509) *chain, int *depth)
{
    *depth = 0;
    const char *wrong = check_leaf(sk_X509_value(chain, 0));
    for (int i = 1; !wrong && i + 1 < sk_X509_num(chain); i++) {
        *depth = i;
        wrong = check_any(sk_X509_value(chain, i));
    }
    fault_clear();
    return wrong;
}
