// The router: which plan answers a request. Compiled once from all routes, then only read.
//
// Owner: the snapshot; it lives in the snapshot's arena (compiled regular expressions are freed by
// router_done()).
// Threads: built by the control thread, read by all workers.
//
// Shape: host (exact hash, "*.suffix", "prefix.*", any) -> compressed radix tree over the
// normalised path -> a short list of candidates in Kong's order, each with its predicates (methods,
// headers, SNI, port). Regular expressions are tried in their place of that order. No cache of
// results.

#pragma once

#include "http/head.h"

// One Kong route; arrays belong to the caller and are copied.
struct route_header {
    struct str name;            // any case
    const struct str *values;   // any of them, in any case; "~*regex", if alone, is one expression
    unsigned count;
};

struct route_desc {
    uint32_t plan;              // what a match returns
    struct str id;              // UUID text; ties go to the larger one
    const struct str *hosts;    unsigned host_count;     // "a.b", "*.b", "a.*", optional ":port"
    const struct str *paths;    unsigned path_count;     // "/prefix" or "~regex"
    const struct str *methods;  unsigned method_count;
    const struct route_header *headers; unsigned header_count;
    const struct str *snis;     unsigned sni_count;
    int64_t regex_priority;
};

struct route_query {
    const struct head *head;
    struct str host;            // lower case, without port and trailing dot
    uint16_t port;              // the port that a host:port route is compared with
    struct str path;            // normalised
    struct str sni;             // lower case; ignored when the client connection is not TLS
    bool tls;
};

struct route_match {
    uint32_t plan;
    size_t prefix_len;          // bytes of the path that matched: prefix, or the whole expression
    const struct regex *regex;  // the winner's; NULL: a prefix
    unsigned captures;          // its groups, offsets into path; pairs, -1 unset
    int capture[64];
};

struct router;
struct arena;
struct regex;

// Fails with err_internal and `why` (at least 256 bytes) naming the route's id and pattern.
err_t router_build(struct arena *arena, const struct route_desc *routes, unsigned count,
                   struct router **out, char why[256]);
void router_done(struct router *r);

// Whether a route matched. Kong's order (router_flavor traditional_compatible).
bool router_match(const struct router *r, const struct route_query *q, struct route_match *m);

// Whether PCRE2 takes the pattern (without the leading "~"); `why` gets its message.
bool router_regex_ok(struct str pattern, char why[256]);
