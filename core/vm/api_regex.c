// api_regex.c - regular expressions for Lua. A struct weir_regex is a struct pattern by its outer
// name.

#include "conf/pattern.h"
#include "vm/api.h"

#include <assert.h>

// Flags are passed on as they are.
#define SAME(flag) static_assert((int)WEIR_REGEX_##flag == (int)PATTERN_##flag, #flag)
SAME(ANCHORED);
SAME(CASELESS);
SAME(MULTILINE);
SAME(DOTALL);
SAME(EXTENDED);
SAME(UTF);
SAME(UTF_TRUSTED);
SAME(DUPNAMES);
SAME(JAVASCRIPT);
SAME(LONGEST);
#undef SAME

static struct pattern *inner(struct weir_regex *re)
{
    return (struct pattern *)re;
}

static const struct pattern *inner_const(const struct weir_regex *re)
{
    return (const struct pattern *)re;
}

struct weir_regex *weir_regex_new(const char *pattern, size_t n, int flags)
{
    char why[PATTERN_WHY];
    struct pattern *p = pattern_new(api_str(pattern, n), (unsigned)flags, why);
    if (!p)
        api_refuse("%s", why);
    return (struct weir_regex *)p;
}

void weir_regex_free(struct weir_regex *re)
{
    pattern_free(inner(re));
}

int weir_regex_groups(const struct weir_regex *re)
{
    return (int)pattern_groups(inner_const(re));
}

int weir_regex_name(const struct weir_regex *re, uint32_t index, struct weir_str *name)
{
    struct str text;
    unsigned group = pattern_name(inner_const(re), index, &text);
    if (group == 0)
        return WEIR_ERR_NONE;
    api_give(name, text);
    return (int)group;
}

int weir_regex_search(struct weir_regex *re, const char *subject, size_t n, size_t from, int again)
{
    int count = pattern_search(inner(re), api_str(subject, n), from, again != 0);
    if (count == PATTERN_NO_MATCH)
        return WEIR_ERR_NONE;
    return count > 0 ? count : api_refuse("pcre_exec() failed: %d", count);
}

const size_t *weir_regex_offsets(const struct weir_regex *re)
{
    return pattern_offsets(inner_const(re));
}
