// base64.c - three bytes for four characters.

#include "base/base64.h"

static const char alphabets[][65] = {
    [BASE64_STANDARD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

size_t base64_encode(struct str s, enum base64 alphabet, bool pad, char *out)
{
    const char *digits = alphabets[alphabet];
    const unsigned char *p = (const unsigned char *)s.p;
    size_t at = 0;
    for (size_t i = 0; i < s.n; i += 3) {
        const size_t have = s.n - i < 3 ? s.n - i : 3;
        const uint32_t bits = (uint32_t)p[i] << 16 | (have > 1 ? (uint32_t)p[i + 1] << 8 : 0)
                            | (have > 2 ? p[i + 2] : 0);
        for (size_t k = 0; k < 4; k++)
            if (k <= have)
                out[at++] = digits[bits >> (18 - 6 * k) & 63];
            else if (pad)
                out[at++] = '=';
    }
    return at;
}

// The value of a character, -1 for one that has none. Both alphabets agree up to the last two.
static int value_of(char c, enum base64 alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == alphabets[alphabet][62] ? 62 : c == alphabets[alphabet][63] ? 63 : -1;
}

bool base64_decode(struct str s, enum base64 alphabet, unsigned char *out, size_t *n)
{
    const size_t end = str_find(s, '=', 0);
    uint32_t bits = 0;
    *n = 0;
    for (size_t i = 0; i < end; i++) {
        const int value = value_of(s.p[i], alphabet);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 > 0)      // every character but the first of four completes a byte
            out[(*n)++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
    return end % 4 != 1;
}
