// Which target serves a try: weighted round robin over an upstream's targets, each an address or a
// name.
//
// Owner: struct view (one balancer per upstream and worker). Threads: the worker's.
// The order is smooth (a, b, a for weights 2:1), and each worker starts at another place.

#pragma once

#include "conf/snapshot.h"

struct balancer {
    const struct upstream_conf *upstream;
    struct balance_target {
        int64_t current;        // smooth weighted round robin
        uint32_t turn;          // next address of a name with several
    } *targets;
};

void balancer_init(struct balancer *b, const struct upstream_conf *u, uint32_t seed);
void balancer_done(struct balancer *b);

// The index of the next target, passing over those set in `excluded` (bit i for target i, the first
// 64 only); -1 when there is none with a weight.
int balancer_next(struct balancer *b, uint64_t excluded);

// Whether balancer_next() would find one.
bool balancer_has(const struct balancer *b, uint64_t excluded);
