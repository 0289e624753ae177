// x509.c - facts about PEM texts.

#include "tls/x509.h"

#include "tls/cert.h"
#include "tls/digest.h"
#include "tls/fault.h"
#include "tls/names.h"
#include "tls/pem.h"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdio.h>

static bool describe(X509 *x, struct x509_info *out)
{
    unsigned char sha256[DIGEST_SIZE];
    *out = (struct x509_info){
        .not_before = cert_not_before(x),
        .not_after = cert_not_after(x),
        .is_ca = (X509_get_extension_flags(x) & EXFLAG_CA) != 0,
    };
    cert_name(X509_get_subject_name(x), out->subject);
    if (!cert_sha256(x, sha256))
        return false;
    digest_hex(sha256, sizeof(sha256), out->sha256);
    return true;
}

err_t x509_info(struct str pem, struct x509_info *out, unsigned max, unsigned *count, char why[256])
{
    struct pem_list list = { 0 };
    err_t err = pem_certificates(pem, &list, why);
    *count = err ? 0 : list.count;
    // Those beyond `max` are decoded all the same: a text is good when all of it is.
    for (unsigned i = 0; i < *count && !err; i++) {
        struct x509_info beyond;
        fault_clear();
        X509 *x = cert_decode(NULL, list.block[i].der, list.block[i].n);
        if (!x || !describe(x, i < max ? &out[i] : &beyond)) {
            fault_explain(why, 256, "block %u: not a valid certificate", i + 1);
            err = &err_tls_setup;
        }
        X509_free(x);
    }
    fault_clear();
    if (err)
        *count = 0;
    pem_free(&list);
    return err;
}

// -- all of one certificate -----------------------------------------------------------------------

// Appends an item to a list with commas. One that does not fit ends the list, for which there is
// always room.
static void list_add(char *list, size_t size, const char *item)
{
    static const char more[] = ", ...";
    const size_t used = strlen(list);
    if (used >= strlen(more) && strcmp(list + used - strlen(more), more) == 0)
        return;
    const bool fits = used + strlen(item) + 2 + sizeof(more) <= size;
    if (fits)
        snprintf(list + used, size - used, "%s%s", used ? ", " : "", item);
    else
        snprintf(list + used, size - used, "%s", more);
}

static void describe_usage(X509 *x, struct x509_detail *out)
{
    static const struct { uint32_t bit; const char *name; } usages[] = {
        { KU_DIGITAL_SIGNATURE, "digitalSignature" }, { KU_NON_REPUDIATION, "nonRepudiation" },
        { KU_KEY_ENCIPHERMENT, "keyEncipherment" }, { KU_DATA_ENCIPHERMENT, "dataEncipherment" },
        { KU_KEY_AGREEMENT, "keyAgreement" }, { KU_KEY_CERT_SIGN, "keyCertSign" },
        { KU_CRL_SIGN, "cRLSign" }, { KU_ENCIPHER_ONLY, "encipherOnly" },
        { KU_DECIPHER_ONLY, "decipherOnly" },
    };
    const bool limited = (X509_get_extension_flags(x) & EXFLAG_KUSAGE) != 0;
    for (size_t i = 0; limited && i < ARRAY_LEN(usages); i++)
        if (X509_get_key_usage(x) & usages[i].bit)
            list_add(out->key_usage, sizeof(out->key_usage), usages[i].name);
    EXTENDED_KEY_USAGE *purposes = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
    for (int i = 0; i < sk_ASN1_OBJECT_num(purposes); i++) {
        const ASN1_OBJECT *purpose = sk_ASN1_OBJECT_value(purposes, i);
        const int nid = OBJ_obj2nid(purpose);
        char oid[80];
        OBJ_obj2txt(oid, sizeof(oid), purpose, 1);
        list_add(out->purposes, sizeof(out->purposes), nid == NID_undef ? oid : OBJ_nid2sn(nid));
    }
    EXTENDED_KEY_USAGE_free(purposes);
}

static void describe_key(const X509 *x, struct x509_detail *out)
{
    EVP_PKEY *key = X509_get0_pubkey(x);
    if (!key)
        return;
    const char *type = EVP_PKEY_get0_type_name(key);
    snprintf(out->key_type, sizeof(out->key_type), "%s", type ? type : "unknown");
    out->key_bits = EVP_PKEY_get_bits(key);
    char group[sizeof(out->key_group)];
    if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
        return;
    const char *nist = EC_curve_nid2nist(OBJ_txt2nid(group));
    snprintf(out->key_group, sizeof(out->key_group), "%s", nist ? nist : group);
}

// Hex of a short byte string; what is too long for any serial number or key identifier is cut.
static void hex_of(const ASN1_STRING *s, char *out, size_t size)
{
    size_t n = s ? (size_t)ASN1_STRING_length(s) : 0;
    if (n > (size - 1) / 2)
        n = (size - 1) / 2;
    digest_hex(s ? ASN1_STRING_get0_data(s) : NULL, n, out);
}

static bool spki_sha256(const X509 *x, char out[65])
{
    unsigned char *der = NULL, sha256[DIGEST_SIZE];
    const int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    const bool ok = n > 0 && digest_sha256(der, (size_t)n, sha256);
    OPENSSL_free(der);
    if (ok)
        digest_hex(sha256, sizeof(sha256), out);
    return ok;
}

bool x509_detail_of(void *x509, struct x509_detail *out)
{
    X509 *x = x509;
    struct x509_info info;
    if (!describe(x, &info))
        return false;
    *out = (struct x509_detail){
        .not_before = info.not_before,
        .not_after = info.not_after,
        .version = (int)X509_get_version(x) + 1,
        .is_ca = info.is_ca,
        .path_length = (int)X509_get_pathlen(x),
    };
    memcpy(out->sha256, info.sha256, sizeof(out->sha256));
    memcpy(out->subject, info.subject, sizeof(out->subject));
    cert_name(X509_get_issuer_name(x), out->issuer);
    snprintf(out->signature, sizeof(out->signature), "%s",
             OBJ_nid2ln(X509_get_signature_nid(x)));
    hex_of(X509_get0_serialNumber(x), out->serial, sizeof(out->serial));
    hex_of(X509_get0_subject_key_id(x), out->key_id, sizeof(out->key_id));
    hex_of(X509_get0_authority_key_id(x), out->issuer_key_id, sizeof(out->issuer_key_id));
    names_seen(x, out->names);
    describe_usage(x, out);
    describe_key(x, out);
    return spki_sha256(x, out->spki_sha256);
}

err_t x509_describe(struct str pem, unsigned index, struct x509_detail *out, unsigned *count,
                    char why[256])
{
    struct pem_list list = { 0 };
    err_t err = pem_certificates(pem, &list, why);
    *count = err ? 0 : list.count;
    if (!err && index < list.count) {
        fault_clear();
        X509 *x = cert_decode(NULL, list.block[index].der, list.block[index].n);
        if (!x || !x509_detail_of(x, out)) {
            fault_explain(why, 256, "block %u: not a valid certificate", index + 1);
            err = &err_tls_setup;
        }
        X509_free(x);
        fault_clear();
    }
    pem_free(&list);
    return err;
}

err_t x509_sha1(struct str s, unsigned char out[20])
{
    fault_clear();
    bool ok = EVP_Q_digest(NULL, "SHA1", NULL, s.n ? s.p : "", s.n, out, NULL) == 1;
    fault_clear();
    return ok ? NULL : &err_tls_setup;
}
