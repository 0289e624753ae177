// The tries at upstreams that a request has made, in their order: what was asked, how long it took
// to choose it, how it failed, and how its certificate was judged. For the log, and for plugins
// that run when the connection is somebody else's already; plans without plugins keep none of it.
//
// Owner: struct request embeds it; what it holds is in the request's arena. Threads: the worker's.
// All zero is a request without a try.

#pragma once

#include "base/error.h"
#include "net/addr.h"

struct request;
struct verdict;

struct tried {
    struct addr addr;
    int64_t began;                  // ns since the epoch: a target was looked for
    int64_t chosen_in;              // ns from then until its address was known
    err_t failure;                  // NULL: it did not fail
    const struct verdict *verdict;  // NULL: no certificate was judged, or its exchange goes on
};

struct tried_list {
    struct tried *list;
    uint32_t count, room;
    int64_t began;                  // of the try that looks for its target
};

// The parts of a try, as they happen: a target is looked for, its address is r->upstream_addr, the
// connection was judged (kept when the exchange ends, but the request does not), it failed.
void tried_begin(struct request *r);
void tried_connect(struct request *r);
void tried_judged(struct request *r, const struct verdict *v);
void tried_failed(struct request *r, err_t err);

// How the certificate of the try at `index` was judged, as far as is known by now; NULL: not, or
// there was no such try.
const struct verdict *tried_verdict(const struct request *r, uint32_t index);
