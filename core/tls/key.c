// key.c - EVP_PKEY for plugins.

#include "tls/key.h"

#include "base/mem.h"
#include "tls/cert.h"
#include "tls/fault.h"
#include "tls/hash.h"
#include "tls/pem.h"

#include <limits.h>
#include <openssl/decoder.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

struct key {
    EVP_PKEY *pkey;
};

static struct key *keep(EVP_PKEY *pkey)
{
    fault_clear();
    struct key *k = xmalloc(sizeof *k);
    k->pkey = pkey;
    return k;
}

void key_free(struct key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    free(k);
}

// -- reading --------------------------------------------------------------------------------------

// Instead of OpenSSL's default, which would ask the terminal.
static int no_passphrase(char *buffer, int size, int writing, void *arg)
{
    (void)buffer, (void)size, (void)writing, (void)arg;
    return -1;
}

struct key *key_read(struct str text, char why[KEY_WHY])
{
    fault_clear();
    EVP_PKEY *pkey = NULL;
    const unsigned char *p = (const unsigned char *)(text.n > 0 ? text.p : "");
    size_t left = text.n;
    OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(&pkey, NULL, NULL, NULL, 0, NULL,
                                                              NULL);
    const bool ok = decoder &&
                    OSSL_DECODER_CTX_set_pem_password_cb(decoder, no_passphrase, NULL) == 1 &&
                    OSSL_DECODER_from_data(decoder, &p, &left) == 1;
    OSSL_DECODER_CTX_free(decoder);
    if (ok && pkey)
        return keep(pkey);
    fault_explain(why, KEY_WHY, "not a key");
    EVP_PKEY_free(pkey);
    return NULL;
}

struct key *key_of_certificate(struct str pem, char why[KEY_WHY])
{
    struct pem_list list = { 0 };
    EVP_PKEY *pkey = NULL;
    if (!pem_certificates(pem, &list, why)) {
        fault_clear();
        X509 *x = cert_decode(NULL, list.block[0].der, list.block[0].n);
        pkey = x ? X509_get_pubkey(x) : NULL;
        if (!pkey)
            fault_explain(why, KEY_WHY, "not a certificate with a key");
        X509_free(x);
    }
    pem_free(&list);
    return pkey ? keep(pkey) : NULL;
}

// -- facts ----------------------------------------------------------------------------------------

const char *key_type(const struct key *k)
{
    const char *name = EVP_PKEY_get0_type_name(k->pkey);
    return name ? name : "";
}

size_t key_size(const struct key *k)
{
    const int size = EVP_PKEY_get_size(k->pkey);
    return size > 0 ? (size_t)size : 0;
}

bool key_is_private(const struct key *k)
{
    fault_clear();
    const bool is = i2d_PrivateKey(k->pkey, NULL) > 0;
    fault_clear();
    return is;
}

// -- ECDSA signatures: DER and raw ----------------------------------------------------------------

// The length of r and of s.
static size_t half_of(const struct key *k)
{
    return ((size_t)EVP_PKEY_get_bits(k->pkey) + 7) / 8;
}

// Turns the DER in out[0..n) into r and s. The length, 0 when that is not possible.
static size_t raw_of_der(const struct key *k, char *out, size_t n, size_t room)
{
    const int half = (int)half_of(k);
    const unsigned char *der = (const unsigned char *)out;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    const bool ok = sig && 2 * (size_t)half <= room &&
                    BN_bn2binpad(ECDSA_SIG_get0_r(sig), (unsigned char *)out, half) == half &&
                    BN_bn2binpad(ECDSA_SIG_get0_s(sig), (unsigned char *)out + half, half) == half;
    ECDSA_SIG_free(sig);
    return ok ? 2 * (size_t)half : 0;
}

// The DER of r and s, OPENSSL_free() it; its length, 0 when that is not possible.
static size_t der_of_raw(const struct key *k, struct str raw, unsigned char **der)
{
    const size_t half = half_of(k);
    if (raw.n != 2 * half)
        return 0;
    const unsigned char *p = (const unsigned char *)raw.p;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(p, (int)half, NULL), *s = BN_bin2bn(p + half, (int)half, NULL);
    int n = 0;
    *der = NULL;
    if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
        n = i2d_ECDSA_SIG(sig, der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(sig);
    return n > 0 ? (size_t)n : 0;
}

// -- signing and verifying ------------------------------------------------------------------------

static bool is_type(const struct key *k, const char *type)
{
    return EVP_PKEY_is_a(k->pkey, type) == 1;
}

// The context of a signature of a digest, ready for it; NULL on failure.
static EVP_PKEY_CTX *begin(const struct key *k, const struct key_how *how, bool signing)
{
    char name[32];
    if (how->digest.n >= sizeof name)
        return NULL;
    memcpy(name, how->digest.p, how->digest.n);
    name[how->digest.n] = '\0';
    EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);
    EVP_PKEY_CTX *c = md ? EVP_PKEY_CTX_new(k->pkey, NULL) : NULL;
    bool ok = c && (signing ? EVP_PKEY_sign_init(c) : EVP_PKEY_verify_init(c)) == 1 &&
              EVP_PKEY_CTX_set_signature_md(c, md) == 1;
    if (ok && how->pss) {
        const int any = signing ? RSA_PSS_SALTLEN_DIGEST : RSA_PSS_SALTLEN_AUTO;
        ok = EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(c, how->salt >= 0 ? how->salt : any) == 1;
    }
    EVP_MD_free(md);
    if (ok)
        return c;
    EVP_PKEY_CTX_free(c);
    return NULL;
}

// The digest to be signed: the data, or in `room` that of the data. Empty on failure.
static struct str digest_of(const struct key_how *how, struct str data,
                            unsigned char room[HASH_MOST])
{
    if (how->hashed)
        return data;
    const size_t n = hash_once(how->digest, NULL, data, room);
    return n > 0 ? (struct str){ (const char *)room, n } : STR_NONE;
}

// How keys sign that have a way of their own (Ed25519), or data whose digest is not named.
static bool sign_data(const struct key *k, struct str data, unsigned char *out, size_t *n)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    const bool ok = c && EVP_DigestSignInit_ex(c, NULL, NULL, NULL, NULL, k->pkey, NULL) == 1 &&
                    EVP_DigestSign(c, out, n, (const unsigned char *)data.p, data.n) == 1;
    EVP_MD_CTX_free(c);
    return ok;
}

static bool sign_digest(const struct key *k, const struct key_how *how, struct str data,
                        unsigned char *out, size_t *n)
{
    unsigned char room[HASH_MOST];
    const struct str digest = digest_of(how, data, room);
    EVP_PKEY_CTX *c = digest.n > 0 ? begin(k, how, true) : NULL;
    const bool ok = c && EVP_PKEY_sign(c, out, n, (const unsigned char *)digest.p, digest.n) == 1;
    EVP_PKEY_CTX_free(c);
    return ok;
}

size_t key_sign(const struct key *k, const struct key_how *how, struct str data, char *out,
                size_t room, char why[KEY_WHY])
{
    fault_clear();
    data.p = data.n > 0 ? data.p : "";
    size_t n = room;
    unsigned char *bytes = (unsigned char *)out;
    const bool ok = how->digest.n > 0 ? sign_digest(k, how, data, bytes, &n)
                                      : sign_data(k, data, bytes, &n);
    if (!ok)
        n = 0;
    else if (how->raw && is_type(k, "EC"))
        n = raw_of_der(k, out, n, room);
    if (n == 0)
        fault_explain(why, KEY_WHY, "cannot sign");
    fault_clear();
    return n;
}

static int verify_data(const struct key *k, struct str signature, struct str data)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    int result = -1;
    if (c && EVP_DigestVerifyInit_ex(c, NULL, NULL, NULL, NULL, k->pkey, NULL) == 1)
        result = EVP_DigestVerify(c, (const unsigned char *)signature.p, signature.n,
                                  (const unsigned char *)data.p, data.n);
    EVP_MD_CTX_free(c);
    return result;
}

static int verify_digest(const struct key *k, const struct key_how *how, struct str signature,
                         struct str data)
{
    unsigned char room[HASH_MOST];
    const struct str digest = digest_of(how, data, room);
    EVP_PKEY_CTX *c = digest.n > 0 ? begin(k, how, false) : NULL;
    const int result = c ? EVP_PKEY_verify(c, (const unsigned char *)signature.p, signature.n,
                                           (const unsigned char *)digest.p, digest.n) : -1;
    EVP_PKEY_CTX_free(c);
    return result;
}

enum key_answer key_verify(const struct key *k, const struct key_how *how, struct str signature,
                           struct str data, char why[KEY_WHY])
{
    fault_clear();
    unsigned char *der = NULL;
    data.p = data.n > 0 ? data.p : "";
    if (how->raw && is_type(k, "EC")) {
        signature.n = der_of_raw(k, signature, &der);
        signature.p = (const char *)der;
    }
    int result = -1;
    if (signature.n > 0)
        result = how->digest.n > 0 ? verify_digest(k, how, signature, data)
                                   : verify_data(k, signature, data);
    OPENSSL_free(der);
    if (result < 0)
        fault_explain(why, KEY_WHY, "cannot verify");
    fault_clear();
    return result == 1 ? KEY_GOOD : result == 0 ? KEY_BAD : KEY_FAILED;
}

// -- writing --------------------------------------------------------------------------------------

static bool write_to(BIO *bio, EVP_PKEY *pkey, bool as_private, bool as_pem)
{
    if (as_private)
        return (as_pem ? PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)
                       : i2d_PKCS8PrivateKey_bio(bio, pkey, NULL, NULL, 0, NULL, NULL)) == 1;
    return (as_pem ? PEM_write_bio_PUBKEY(bio, pkey) : i2d_PUBKEY_bio(bio, pkey)) == 1;
}

size_t key_write(const struct key *k, bool as_private, bool as_pem, char *out, size_t room,
                 char why[KEY_WHY])
{
    fault_clear();
    // What a private key was written to is overwritten when it is freed.
    BIO *bio = BIO_new(BIO_s_secmem());
    char *bytes = NULL;
    long n = bio && write_to(bio, k->pkey, as_private, as_pem) ? BIO_get_mem_data(bio, &bytes) : 0;
    if (n <= 0)
        fault_explain(why, KEY_WHY, "cannot be written");
    else if (room > 0)
        memcpy(out, bytes, (size_t)n < room ? (size_t)n : room);
    BIO_free(bio);
    fault_clear();
    return n > 0 ? (size_t)n : 0;
}
