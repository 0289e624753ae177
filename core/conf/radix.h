// Compressed radix tree from strings to numbers: answers which keys are prefixes of a string,
// shortest first.
//
// Owner: whoever embeds it; nodes live in the arena it was built in and point into the keys.
// Threads: built by one, then only read.
//
//   keys "/a", "/ab/c", "/abd"        nodes, breadth first:   0 "" -> 1
//                                                             1 "/a" = value -> 2
//                                                             2 "b" -> 3, 4
//                                                             3 "/c" = value    4 "d" = value
//
// The children of a node are neighbours, sorted; their first bytes lie in an array of their own,
// where memchr finds one.

#pragma once

#include "base/arena.h"

#define RADIX_NONE UINT32_MAX

struct radix_key {
    struct str key;         // must outlive the tree
    uint32_t value;
};

struct radix_node {
    const char *label;
    uint32_t len;
    uint32_t value;         // RADIX_NONE: no key ends here
    uint32_t children;
    uint32_t child_count;
};

// All zero is a valid empty tree.
struct radix {
    const struct radix_node *nodes;
    const char *first;      // first byte of each node's label
};

// `keys` are sorted by radix_compare() and differ from each other.
void radix_build(struct radix *tree, struct arena *arena, const struct radix_key *keys,
                 unsigned count);

// The order of keys: bytes, then length.
int radix_compare(struct str a, struct str b);

struct radix_walk {
    const struct radix *tree;
    struct str rest;        // of the string, below the current node
    uint32_t node;          // the next to look at, or RADIX_NONE
};

static inline void radix_start(struct radix_walk *w, const struct radix *tree, struct str s)
{
    *w = (struct radix_walk){ tree, s, tree->nodes ? 0 : RADIX_NONE };
}

// The value of the next key that is a prefix of the string; RADIX_NONE after the last.
uint32_t radix_next(struct radix_walk *w);
