// api_key.c - keys for Lua. A struct weir_key is a struct key by its outer name.

#include "tls/key.h"
#include "vm/api.h"

static const struct key *inner(const struct weir_key *k)
{
    return (const struct key *)k;
}

static struct weir_key *outer(struct key *k, const char *why)
{
    if (!k)
        api_refuse("%s", why);
    return (struct weir_key *)k;
}

static struct key_how how_of(const struct weir_key_how *how)
{
    return (struct key_how){
        .digest = api_str(how->digest.p, how->digest.n), .hashed = how->hashed != 0,
        .pss = how->pss != 0, .salt = how->salt, .raw = how->raw != 0,
    };
}

struct weir_key *weir_key_new(const char *p, size_t n)
{
    char why[KEY_WHY];
    return outer(key_read(api_str(p, n), why), why);
}

struct weir_key *weir_key_of_certificate(const char *pem, size_t n)
{
    char why[KEY_WHY];
    return outer(key_of_certificate(api_str(pem, n), why), why);
}

void weir_key_free(struct weir_key *k)
{
    key_free((struct key *)k);
}

const char *weir_key_type(const struct weir_key *k)
{
    return key_type(inner(k));
}

size_t weir_key_size(const struct weir_key *k)
{
    return key_size(inner(k));
}

int weir_key_is_private(const struct weir_key *k)
{
    return key_is_private(inner(k));
}

int64_t weir_key_sign(const struct weir_key *k, const struct weir_key_how *how, const char *p,
                      size_t n, char *out, size_t room)
{
    char why[KEY_WHY];
    const struct key_how h = how_of(how);
    const size_t length = key_sign(inner(k), &h, api_str(p, n), out, room, why);
    return length > 0 ? (int64_t)length : api_refuse("%s", why);
}

int weir_key_verify(const struct weir_key *k, const struct weir_key_how *how,
                    const char *signature, size_t sn, const char *p, size_t n)
{
    char why[KEY_WHY];
    const struct key_how h = how_of(how);
    switch (key_verify(inner(k), &h, api_str(signature, sn), api_str(p, n), why)) {
    case KEY_GOOD:
        return 1;
    case KEY_BAD:
        return 0;
    default:
        return api_refuse("%s", why);
    }
}

int64_t weir_key_write(const struct weir_key *k, int as_private, int as_pem, char *out,
                       size_t room)
{
    char why[KEY_WHY];
    const size_t n = key_write(inner(k), as_private != 0, as_pem != 0, out, room, why);
    return n > 0 ? (int64_t)n : api_refuse("%s", why);
}
