// What a route demands besides host and path: methods, headers, SNI.
//
// Owner: the router's arena; regular expressions are the router's set. Threads: built by the
// control thread, read by all.

#pragma once

#include "conf/regex.h"
#include "conf/router.h"

struct predicate;

// *out is NULL when the route demands nothing. False when a regular expression is not taken: `why`
// says which header.
bool predicate_build(struct arena *arena, struct regex_set *set, const struct route_desc *route,
                     const struct predicate **out, char why[REGEX_WHY]);

// Whether a request has it all.
bool predicate_holds(const struct predicate *p, const struct route_query *q);

// How many headers, as Kong counts them for a route's priority: different names.
unsigned predicate_header_names(const struct route_desc *route);
