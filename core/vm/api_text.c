// api_text.c - base64, gzip and digests for Lua. A struct weir_hash is a struct hash by its outer
// name, a struct weir_gzip a struct gzip.

#include "base/base64.h"
#include "base/gzip.h"
#include "tls/hash.h"
#include "vm/api.h"

int64_t weir_base64_encode(const char *p, size_t n, int url, int pad, char *out)
{
    return (int64_t)base64_encode(api_str(p, n), url ? BASE64_URL : BASE64_STANDARD, pad != 0, out);
}

int64_t weir_base64_decode(const char *p, size_t n, int url, char *out)
{
    size_t length;
    if (!base64_decode(api_str(p, n), url ? BASE64_URL : BASE64_STANDARD, (unsigned char *)out,
                       &length))
        return api_refuse("not base64");
    return (int64_t)length;
}

struct weir_gzip *weir_gzip_new(int inflate, const char *p, size_t n)
{
    enum gzip_way way = inflate ? GZIP_INFLATE : GZIP_DEFLATE;
    return (struct weir_gzip *)gzip_new(way, api_str(p, n));
}

void weir_gzip_free(struct weir_gzip *g)
{
    gzip_free((struct gzip *)g);
}

int64_t weir_gzip_take(struct weir_gzip *g, char *out, size_t len)
{
    size_t n;
    enum gzip_state state = gzip_take((struct gzip *)g, out, len, &n);
    if (n == 0 && state == GZIP_BROKEN)
        return api_refuse("%s", gzip_problem((struct gzip *)g));
    return (int64_t)n;
}

static struct hash *inner(struct weir_hash *h)
{
    return (struct hash *)h;
}

struct weir_hash *weir_hash_new(const char *name, size_t n, int has_key, const char *key,
                                size_t key_n)
{
    const struct str k = api_str(key, key_n);
    return (struct weir_hash *)hash_new(api_str(name, n), has_key ? &k : NULL);
}

void weir_hash_free(struct weir_hash *h)
{
    hash_free(inner(h));
}

int weir_hash_add(struct weir_hash *h, const char *p, size_t n)
{
    return hash_add(inner(h), api_str(p, n)) ? 0 : api_refuse("the digest has ended");
}

static int length_or_refusal(size_t n)
{
    return n > 0 ? (int)n : api_refuse("the digest cannot be computed");
}

int weir_hash_end(struct weir_hash *h, char *out)
{
    return length_or_refusal(hash_end(inner(h), (unsigned char *)out));
}

int weir_hash_reset(struct weir_hash *h)
{
    return hash_reset(inner(h)) ? 0 : api_refuse("the digest cannot begin anew");
}

int weir_hash_once(const char *name, size_t n, int has_key, const char *key, size_t key_n,
                   const char *p, size_t pn, char *out)
{
    const struct str k = api_str(key, key_n);
    return length_or_refusal(hash_once(api_str(name, n), has_key ? &k : NULL, api_str(p, pn),
                                       (unsigned char *)out));
}

int weir_hash_pbkdf2(const char *name, size_t name_n, const char *password, size_t password_n,
                     const char *salt, size_t salt_n, unsigned iterations, char *out, size_t n)
{
    const char *why = hash_pbkdf2(api_str(name, name_n), api_str(password, password_n),
                                  api_str(salt, salt_n), iterations, (unsigned char *)out, n);
    return why ? api_refuse("%s", why) : 0;
}
