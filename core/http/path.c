// Normalises a path in one pass: each character gets its one spelling, each finished segment is
// judged.

#include "http/path.h"

enum { PLAIN = 1, UNRESERVED = 2 };

// PLAIN may stand in a path as it is; of these, UNRESERVED means the same with and without an
// escape.
static const uint8_t kinds[256] = {
    ['0' ... '9'] = PLAIN | UNRESERVED, ['A' ... 'Z'] = PLAIN | UNRESERVED,
    ['a' ... 'z'] = PLAIN | UNRESERVED, ['-'] = PLAIN | UNRESERVED, ['.'] = PLAIN | UNRESERVED,
    ['_'] = PLAIN | UNRESERVED, ['~'] = PLAIN | UNRESERVED,
    ['/'] = PLAIN, ['!'] = PLAIN, ['#'] = PLAIN, ['$'] = PLAIN, ['&'] = PLAIN, ['\''] = PLAIN,
    ['('] = PLAIN, [')'] = PLAIN, ['*'] = PLAIN, ['+'] = PLAIN, [','] = PLAIN, [':'] = PLAIN,
    [';'] = PLAIN, ['='] = PLAIN, ['?'] = PLAIN, ['@'] = PLAIN, ['['] = PLAIN, [']'] = PLAIN,
};

static unsigned kind(char c)
{
    return kinds[(unsigned char)c];
}

// Whether `path` is its own normal form, or at least may be: nothing to escape or decode, no "//",
// no "/.".
static bool is_normal(struct str path)
{
    char before = '\0';
    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];
        if (!(kind(c) & PLAIN) || (before == '/' && (c == '/' || c == '.')))
            return false;
        before = c;
    }
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = str_lower_char(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The byte that the escape at `at` stands for, -1 when it is broken.
static int escaped(struct str path, size_t at)
{
    if (path.n - at < 3)
        return -1;
    int high = hex_digit(path.p[at + 1]), low = hex_digit(path.p[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static char *put_escape(char *to, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    *to++ = '%';
    *to++ = digits[c >> 4];
    *to++ = digits[c & 15];
    return to;
}

// Writes the character at *at in its normal spelling and moves *at behind it; NULL when it is a
// broken escape or a NUL.
static char *put_normal(char *to, struct str path, size_t *at)
{
    bool escape = path.p[*at] == '%';
    int c = escape ? escaped(path, *at) : (unsigned char)path.p[*at];
    if (c <= 0)
        return NULL;
    *at += escape ? 3 : 1;
    if (!(kinds[c] & (escape ? UNRESERVED : PLAIN)))
        return put_escape(to, (unsigned char)c);
    *to++ = (char)c;
    return to;
}

// The segment between `slash` and `to` is complete; returns where the next one's slash goes. "" and
// "." give their place away, ".." that of the segment before it as well.
static char *end_segment(const char *start, char *slash, char *to)
{
    size_t n = (size_t)(to - slash) - 1;
    if (n == 0 || (n == 1 && slash[1] == '.'))
        return slash;
    if (n != 2 || slash[1] != '.' || slash[2] != '.')
        return to;
    while (slash > start && *--slash != '/')
        ;
    return slash;
}

err_t path_normalise(struct arena *arena, struct str path, struct str *out)
{
    if (path.n == 0 || path.p[0] != '/')
        return &err_bad_request;
    *out = path;
    if (is_normal(path))
        return NULL;
    char *start = arena_alloc(arena, 3 * path.n), *slash = start, *to = start + 1;
    *slash = '/';
    for (size_t at = 1; at < path.n;) {
        if (path.p[at] == '/') {
            slash = end_segment(start, slash, to);
            *slash = '/';
            to = slash + 1;
            at++;
        } else {
            to = put_normal(to, path, &at);
            if (!to)
                return &err_bad_request;
        }
    }
    char *end = end_segment(start, slash, to);
    if (end != to)      // a path that ends in "/", "." or ".." names a directory
        *end++ = '/';
    *out = (struct str){ start, (size_t)(end - start) };
    return NULL;
}
