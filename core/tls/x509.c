// x509.c - facts about PEM texts.

#include "tls/x509.h"

#include "tls/cert.h"
#include "tls/digest.h"
#include "tls/fault.h"
#include "tls/pem.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

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

err_t x509_sha1(struct str s, unsigned char out[20])
{
    fault_clear();
    bool ok = EVP_Q_digest(NULL, "SHA1", NULL, s.n ? s.p : "", s.n, out, NULL) == 1;
    fault_clear();
    return ok ? NULL : &err_tls_setup;
}
