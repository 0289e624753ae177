// The table of a compiled expression's named groups, as PCRE2 lays it out: entries of `size` bytes,
// each the group's number in two bytes, then the name with a NUL.

#pragma once

#include "base/str.h"

struct group_names {
    const unsigned char *table;
    uint32_t count, size;
};

// The `index`-th named group: its number, 0 past the last one.
static inline unsigned group_name(const struct group_names *names, unsigned index,
                                  struct str *name)
{
    if (index >= names->count)
        return 0;
    const unsigned char *entry = names->table + (size_t)index * names->size;
    *name = str_from((const char *)entry + 2);
    return (unsigned)entry[0] << 8 | entry[1];
}
