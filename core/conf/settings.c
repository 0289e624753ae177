// settings.c - trusted address ranges.

#include "conf/settings.h"

static unsigned bits_of(const struct addr *a)
{
    return a->sa.any.sa_family == AF_INET ? 32 : 128;
}

static const unsigned char *bytes_of(const struct addr *a)
{
    return a->sa.any.sa_family == AF_INET ? (const unsigned char *)&a->sa.v4.sin_addr
                                          : (const unsigned char *)&a->sa.v6.sin6_addr;
}

err_t cidr_parse(struct str text, struct cidr *out)
{
    size_t slash = str_find(text, '/', 0);
    err_t err = addr_parse(str_sub(text, 0, slash), 0, &out->base);
    if (err)
        return err;
    unsigned max = bits_of(&out->base);
    out->bits = (uint8_t)max;
    if (slash == text.n)
        return NULL;
    unsigned bits = 0;
    if (slash + 1 == text.n || text.n - slash > 4)
        return &err_address;
    for (size_t i = slash + 1; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return &err_address;
        bits = bits * 10 + (unsigned)(text.p[i] - '0');
    }
    if (bits > max)
        return &err_address;
    out->bits = (uint8_t)bits;
    return NULL;
}

static bool cidr_holds(const struct cidr *c, const struct addr *a)
{
    if (c->base.sa.any.sa_family != a->sa.any.sa_family)
        return false;
    const unsigned char *x = bytes_of(&c->base), *y = bytes_of(a);
    unsigned whole = c->bits / 8u, rest = c->bits % 8u;
    if (memcmp(x, y, whole) != 0)
        return false;
    if (rest == 0)
        return true;
    unsigned char mask = (unsigned char)(0xff << (8 - rest));
    return (x[whole] & mask) == (y[whole] & mask);
}

bool settings_trusts(const struct settings *s, const struct addr *a)
{
    for (uint32_t i = 0; i < s->trusted_count; i++)
        if (cidr_holds(&s->trusted[i], a))
            return true;
    return false;
}
