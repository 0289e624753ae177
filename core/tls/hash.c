// hash.c - EVP_MD_CTX and EVP_MAC_CTX behind one name.

#include "tls/hash.h"

#include "base/mem.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>

enum { NAME_MOST = 32 };

struct hash {
    EVP_MD *md;
    EVP_MD_CTX *digest;         // without a key
    EVP_MAC_CTX *mac;           // with one
    bool ok;                    // no step has failed, and it has not ended
};

// Fetched once: looking an algorithm up costs more than hashing a short text.
static struct {
    const char *name;
    EVP_MD *md;
} usual[] = {
    {"md5", NULL}, {"sha1", NULL}, {"sha224", NULL}, {"sha256", NULL}, {"sha384", NULL},
    {"sha512", NULL},
};
static EVP_MAC *hmac;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(usual); i++)
        usual[i].md = EVP_MD_fetch(NULL, usual[i].name, NULL);
    hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
}

// A reference of the caller's own, or NULL. Digests of any length (SHAKE) have none that counts.
static EVP_MD *find(struct str name)
{
    char z[NAME_MOST];
    if (name.n >= sizeof z)
        return NULL;
    memcpy(z, name.p, name.n);
    z[name.n] = '\0';
    for (unsigned i = 0; i < ARRAY_LEN(usual); i++)
        if (str_eq_nocase(name, str_from(usual[i].name)))
            return usual[i].md && EVP_MD_up_ref(usual[i].md) == 1 ? usual[i].md : NULL;
    EVP_MD *md = EVP_MD_fetch(NULL, z, NULL);
    if (md && (EVP_MD_get_flags(md) & EVP_MD_FLAG_XOF) == 0 && EVP_MD_get_size(md) > 0 &&
        EVP_MD_get_size(md) <= HASH_MOST)
        return md;
    EVP_MD_free(md);
    return NULL;
}

static bool begin_mac(struct hash *h, struct str key)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)EVP_MD_get0_name(h->md), 0),
        OSSL_PARAM_construct_end(),
    };
    h->mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    // OpenSSL takes a NULL key for "the one from before".
    const unsigned char *bytes = (const unsigned char *)(key.n > 0 ? key.p : "");
    return h->mac && EVP_MAC_init(h->mac, bytes, key.n, params) == 1;
}

struct hash *hash_new(struct str name, const struct str *key)
{
    pthread_once(&once, fetch);
    struct hash *h = xcalloc(1, sizeof *h);
    h->md = find(name);
    if (h->md && key) {
        h->ok = begin_mac(h, *key);
    } else if (h->md) {
        h->digest = EVP_MD_CTX_new();
        h->ok = h->digest && EVP_DigestInit_ex2(h->digest, h->md, NULL) == 1;
    }
    if (h->ok)
        return h;
    hash_free(h);
    return NULL;
}

void hash_free(struct hash *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->digest);
    EVP_MAC_CTX_free(h->mac);
    EVP_MD_free(h->md);
    free(h);
}

bool hash_add(struct hash *h, struct str data)
{
    const unsigned char *bytes = (const unsigned char *)(data.n > 0 ? data.p : "");
    h->ok = h->ok && (h->mac ? EVP_MAC_update(h->mac, bytes, data.n)
                             : EVP_DigestUpdate(h->digest, bytes, data.n)) == 1;
    return h->ok;
}

size_t hash_end(struct hash *h, unsigned char out[HASH_MOST])
{
    size_t n = 0;
    unsigned digest_n = 0;
    if (h->ok && h->mac)
        h->ok = EVP_MAC_final(h->mac, out, &n, HASH_MOST) == 1;
    else if (h->ok && (h->ok = EVP_DigestFinal_ex(h->digest, out, &digest_n) == 1))
        n = digest_n;
    n = h->ok ? n : 0;
    h->ok = false;
    return n;
}

bool hash_reset(struct hash *h)
{
    h->ok = (h->mac ? EVP_MAC_init(h->mac, NULL, 0, NULL)
                    : EVP_DigestInit_ex2(h->digest, h->md, NULL)) == 1;
    return h->ok;
}

static bool derive(const EVP_MD *md, struct str password, struct str salt, unsigned iterations,
                   unsigned char *out, size_t n)
{
    return PKCS5_PBKDF2_HMAC(password.n > 0 ? password.p : "", (int)password.n,
                             (const unsigned char *)(salt.n > 0 ? salt.p : ""), (int)salt.n,
                             (int)iterations, md, (int)n, out) == 1;
}

const char *hash_pbkdf2(struct str name, struct str password, struct str salt, unsigned iterations,
                        unsigned char *out, size_t n)
{
    pthread_once(&once, fetch);
    EVP_MD *md = find(name);
    if (!md)
        return "no such digest";
    size_t block = (size_t)EVP_MD_get_size(md);
    const char *why = NULL;
    if (n == 0 || iterations == 0 || n > (size_t)HASH_ROUNDS_MOST * block ||
        iterations > HASH_ROUNDS_MOST / ((n + block - 1) / block))
        why = "no length, no iterations or more than a million in all";
    else if (password.n > INT_MAX || salt.n > INT_MAX)
        why = "a password or salt of more than 2 GiB";
    else if (!derive(md, password, salt, iterations, out, n))
        why = "OpenSSL does not derive it";
    EVP_MD_free(md);
    return why;
}

size_t hash_once(struct str name, const struct str *key, struct str data,
                 unsigned char out[HASH_MOST])
{
    struct hash *h = hash_new(name, key);
    size_t n = h && hash_add(h, data) ? hash_end(h, out) : 0;
    hash_free(h);
    return n;
}
