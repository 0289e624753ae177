// A slice of bytes: pointer and length, not NUL-terminated, never owning.
//
// Who owns the bytes: whoever made them (an arena, a snapshot, a receive buffer); the slice is a
// view. Threads: a value; as safe as the bytes that it points to.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NONE ((struct str){ NULL, 0 })

// For printf("%.*s", STR_ARG(s)).
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

static inline struct str str_from(const char *z)
{
    return (struct str){ z, z ? strlen(z) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline char str_lower_char(char c)
{
    return (c >= 'A' && c <= 'Z') ? (char)(c | 0x20) : c;
}

// Compares ASCII case-insensitively (header names, host names).
static inline bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (str_lower_char(a.p[i]) != str_lower_char(b.p[i]))
            return false;
    return true;
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

// The index of `c` in `s` at or after `from`, or s.n.
static inline size_t str_find(struct str s, char c, size_t from)
{
    if (from >= s.n)
        return s.n;
    const char *hit = memchr(s.p + from, c, s.n - from);
    return hit ? (size_t)(hit - s.p) : s.n;
}

// Without leading and trailing spaces and tabs (RFC 9110 §5.6.3, optional white space).
static inline struct str str_trim(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s.p++, s.n--;
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static inline struct str str_sub(struct str s, size_t from, size_t to)
{
    return (struct str){ s.p + from, to - from };
}

// A number in decimal digits, in `out`.
enum { STR_DECIMAL = 20 };
static inline struct str str_decimal(uint64_t n, char out[STR_DECIMAL])
{
    size_t at = STR_DECIMAL;
    do
        out[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    return (struct str){ out + at, STR_DECIMAL - at };
}
