// Regular expressions of routes: PCRE2 with JIT and bounded backtracking.
//
// Owner: a `struct regex_set` owns the expressions compiled into it. Threads: compiled by one,
// matched by any number at the same time; what a match writes to belongs to the thread.

#pragma once

#include "base/str.h"

struct regex;

struct regex_set {
    struct regex *first;
};

enum { REGEX_ANCHORED = 1, REGEX_CASELESS = 2 };
enum { REGEX_WHY = 256, REGEX_MAX_GROUPS = 32 };
enum { REGEX_NO_MATCH = -1, REGEX_GAVE_UP = -2 };

// NULL when PCRE2 does not take the pattern; `why` gets its message.
const struct regex *regex_compile(struct regex_set *set, struct str pattern, unsigned flags,
                                  char why[REGEX_WHY]);
void regex_set_done(struct regex_set *set);

// How many of `subject`'s bytes the match ends at, REGEX_NO_MATCH, or REGEX_GAVE_UP when the limits
// were reached. `capture` (NULL: none wanted) gets the offsets of the first REGEX_MAX_GROUPS
// groups, -1 for those that are not set; *groups how many groups the pattern has, at most
// REGEX_MAX_GROUPS.
int regex_match(const struct regex *re, struct str subject, int *capture, unsigned *groups);

// The `index`-th named group: its number, which may be above REGEX_MAX_GROUPS; 0 past the last one.
unsigned regex_name(const struct regex *re, unsigned index, struct str *name);
