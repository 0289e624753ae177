// libctx.c - the slim library context: made, probed, or done without.

#include "tls/libctx.h"

#include "base/str.h"
#include "tls/fault.h"

#include <openssl/core_dispatch.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

// How the slim context is made: its only provider is a thin one of ours that hands out some of the
// algorithms of the default context's default provider. For every key that it reads, OpenSSL 3.0
// tries all pairs of decoders and key types, and to find the key types walks through all algorithms
// that the context has ever had to do with. So few are cheap: the decoders are those of public keys
// in certificates, and of everything else there is what TLS and certificates need.

// Not "default": under the names of its own providers OpenSSL finds those, whatever was added.
static const char slim_name[] = "weir-slim";

static OSSL_LIB_CTX *slim;      // NULL: clients work in the default context
static OSSL_PROVIDER *base;     // the default context's default provider

// Part of an operation's algorithms.
struct choice {
    int operation;
    const char *property;       // what the definition must say besides, or NULL
    const char *names[20];      // ends with NULL
    OSSL_ALGORITHM chosen[20];  // filled; ends with an entry without names
};

// What has no entry, the slim context does not have: encoders, key encapsulation.
static struct choice choices[] = {
    {
        .operation = OSSL_OP_DECODER,
        .property = "input=der,structure=SubjectPublicKeyInfo",
        .names = { "RSA", "RSA-PSS", "EC", "ED25519", "ED448", "DER" },
    }, {
        // HMAC is the key of TLS 1.2's CBC ciphers.
        .operation = OSSL_OP_KEYMGMT,
        .names = { "RSA", "RSA-PSS", "EC", "ED25519", "ED448", "X25519", "X448", "DH", "HMAC" },
    }, {
        .operation = OSSL_OP_SIGNATURE,
        .names = { "RSA", "ECDSA", "ED25519", "ED448", "HMAC" },
    }, {
        .operation = OSSL_OP_KEYEXCH,
        .names = { "ECDH", "X25519", "X448", "DH" },
    }, {
        .operation = OSSL_OP_ASYM_CIPHER,
        .names = { "RSA" },
    }, {
        .operation = OSSL_OP_DIGEST,
        .names = {
            "SHA1", "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512", "SHA2-512/224", "SHA2-512/256",
            "SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512", "MD5", "MD5-SHA1",
        },
    }, {
        .operation = OSSL_OP_CIPHER,
        .names = {
            "AES-256-GCM", "AES-128-GCM", "ChaCha20-Poly1305", "AES-256-CCM", "AES-128-CCM",
            "AES-256-CBC", "AES-128-CBC", "AES-256-CBC-HMAC-SHA1", "AES-128-CBC-HMAC-SHA1",
            "AES-256-CBC-HMAC-SHA256", "AES-128-CBC-HMAC-SHA256", "ARIA-256-GCM", "ARIA-128-GCM",
            "CAMELLIA-256-CBC", "CAMELLIA-128-CBC", "DES-EDE3-CBC",
        },
    }, {
        .operation = OSSL_OP_MAC,
        .names = { "HMAC" },
    }, {
        .operation = OSSL_OP_KDF,
        .names = { "TLS13-KDF", "TLS1-PRF", "HKDF" },
    }, {
        .operation = OSSL_OP_RAND,
        .names = { "CTR-DRBG", "SEED-SRC" },
    },
};

// Names are lists "RSA:rsaEncryption:…"; the first one decides.
static bool is_wanted(const struct choice *c, const OSSL_ALGORITHM *a)
{
    if (c->property && !strstr(a->property_definition, c->property))
        return false;
    const size_t n = strcspn(a->algorithm_names, ":");
    for (const char *const *name = c->names; *name; name++)
        if (strlen(*name) == n && memcmp(*name, a->algorithm_names, n) == 0)
            return true;
    return false;
}

// False when none is there, or more than expected: a library that is unlike the one this is for.
static bool choose(struct choice *c)
{
    int no_cache = 0;
    const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(base, c->operation, &no_cache);
    size_t count = 0;
    for (; all && all->algorithm_names; all++)
        if (is_wanted(c, all)) {
            if (count == ARRAY_LEN(c->chosen) - 1)
                return false;
            c->chosen[count++] = *all;
        }
    return count > 0;
}

static bool choose_all(void)
{
    for (size_t i = 0; i < ARRAY_LEN(choices); i++)
        if (!choose(&choices[i]))
            return false;
    return true;
}

static const OSSL_ALGORITHM *slim_query(void *provctx, int operation, int *no_cache)
{
    (void)provctx;
    *no_cache = 0;
    for (size_t i = 0; i < ARRAY_LEN(choices); i++)
        if (choices[i].operation == operation)
            return choices[i].chosen;
    return NULL;
}

static int slim_capabilities(void *provctx, const char *capability, OSSL_CALLBACK *cb, void *arg)
{
    (void)provctx;
    return OSSL_PROVIDER_get_capabilities(base, capability, cb, arg);
}

static const OSSL_PARAM *slim_gettable(void *provctx)
{
    (void)provctx;
    return OSSL_PROVIDER_gettable_params(base);
}

static int slim_params(void *provctx, OSSL_PARAM params[])
{
    (void)provctx;
    return OSSL_PROVIDER_get_params(base, params);
}

static const OSSL_DISPATCH slim_functions[] = {
    { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))slim_query },
    { OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))slim_capabilities },
    { OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (void (*)(void))slim_gettable },
    { OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))slim_params },
    { 0, NULL },
};

// The algorithms expect the provider context that they were made with. It stays the default
// context's to free.
static int slim_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                     const OSSL_DISPATCH **out, void **provctx)
{
    (void)handle, (void)in;
    *provctx = OSSL_PROVIDER_get0_provider_ctx(base);
    *out = slim_functions;
    return 1;
}

// A machine whose openssl.cnf has loaded other providers (FIPS, a key store) or asks for properties
// chose its algorithms; the slim context would pass over that choice.
static int is_other(OSSL_PROVIDER *p, void *arg)
{
    const char *name = OSSL_PROVIDER_get0_name(p);
    if (strcmp(name, "default") != 0 && strcmp(name, "base") != 0)
        *(bool *)arg = true;
    return 1;
}

static bool is_plain_machine(void)
{
    bool other = false;
    return OSSL_PROVIDER_do_all(NULL, is_other, &other) == 1 && !other
        && EVP_default_properties_is_fips_enabled(NULL) == 0;
}

// Whether public keys of certificates decode, random numbers come and a TLS context can be made.
static bool works(OSSL_LIB_CTX *ctx)
{
    static const unsigned char p256[] = {   // SubjectPublicKeyInfo of P-256's base point
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
        0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4,
        0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45,
        0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7,
        0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce,
        0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
    };
    const unsigned char *at = p256;
    unsigned char random[16];
    EVP_PKEY *key = d2i_PUBKEY_ex(NULL, &at, sizeof(p256), ctx, NULL);
    SSL_CTX *tls = SSL_CTX_new_ex(ctx, NULL, TLS_client_method());
    const bool ok = key && tls && RAND_bytes_ex(ctx, random, sizeof(random), 0) == 1;
    EVP_PKEY_free(key);
    SSL_CTX_free(tls);
    return ok;
}

static OSSL_LIB_CTX *make_slim(void)
{
    OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();
    if (!ctx)
        return NULL;
    if (OSSL_PROVIDER_add_builtin(ctx, slim_name, slim_init) == 1
        && OSSL_PROVIDER_load(ctx, slim_name) && works(ctx))
        return ctx;
    OSSL_LIB_CTX_free(ctx);
    return NULL;
}

// OpenSSL 3.2 keeps decoders once they are found, so that there is nothing to gain.
static bool may_help(void)
{
    return OPENSSL_version_major() == 3 && OPENSSL_version_minor() < 2;
}

void libctx_init(bool allow)
{
    fault_clear();
    if (!allow || slim || !may_help() || !is_plain_machine())
        return;
    base = OSSL_PROVIDER_load(NULL, "default");
    if (base && choose_all())
        slim = make_slim();
    fault_clear();
}

void *libctx_client(void)
{
    return slim;
}

const char *libctx_describe(void)
{
    return slim ? "slim" : "default";
}
