// Regular expressions of plugins (ngx.re): PCRE2 with JIT, groups and names, and an end to every
// search.
//
// Owner: whoever made it. Threads: one at a time, since a search leaves its result in the pattern.
//
// What bounds a search: PCRE2's match limit holds for each place in the subject at which a match
// may begin, so that it alone allows as many times as much work as the subject is long. A search is
// therefore first tried with a limit that is small enough for all places together. When that one is
// reached, the search begins anew with the whole limit, a few places at a time, and the time is
// looked at between them. All matches of one subject have an amount of time together.

#pragma once

#include "base/str.h"

struct pattern;

enum {
    PATTERN_ANCHORED = 1,
    PATTERN_CASELESS = 2,
    PATTERN_MULTILINE = 4,
    PATTERN_DOTALL = 8,
    PATTERN_EXTENDED = 16,
    PATTERN_UTF = 32,           // pattern and subjects are UTF-8, which is checked
    PATTERN_UTF_TRUSTED = 64,   // the same, unchecked: the caller knows
    PATTERN_DUPNAMES = 128,     // groups may share a name
    PATTERN_JAVASCRIPT = 256,
    PATTERN_LONGEST = 512,      // the longest match at the first place, by PCRE2's DFA; no groups
};

enum { PATTERN_WHY = 512 };

// NULL when PCRE2 does not take the text; `why` gets its message.
struct pattern *pattern_new(struct str text, unsigned flags, char why[PATTERN_WHY]);
void pattern_free(struct pattern *p);

enum { PATTERN_NO_MATCH = -1 };

// Searches from byte `from` on, at most `subject.n`. `again`: for a further match, after one in
// this subject was found; what was checked then is not checked anew. Returns the number of the
// highest group that is set, plus one; PATTERN_NO_MATCH; or another negative number, PCRE2's, when
// the search failed or was given up (PCRE2_ERROR_MATCHLIMIT, -47).
int pattern_search(struct pattern *p, struct str subject, size_t from, bool again);

// Where the groups of the last match begin and end, in pairs, group 0 the match as a whole. As long
// as the pattern lives; pairs of groups that are not set hold SIZE_MAX.
const size_t *pattern_offsets(const struct pattern *p);
unsigned pattern_groups(const struct pattern *p);   // without group 0

// The `index`-th named group: its number, 0 past the last one.
unsigned pattern_name(const struct pattern *p, unsigned index, struct str *name);
