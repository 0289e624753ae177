// What plugins choose in the balancer phase: it holds for that try, so that what was meant for one
// target never serves another.
//
// Owner: struct request embeds it. Threads: the worker's. All zero is a request without a try yet.

#pragma once

#include "proxy/choice.h"

#include "base/str.h"

struct request;

// How the request was before its first try.
struct attempt_origin {
    bool known;
    bool tls;
    struct tls_choice choice;
    int32_t upstream;
    struct str target_host;
    uint16_t target_port;
    struct str out_host;            // also the name that the upstream is verified by
};

// A try begins: what the balancer phase chose for the one before is forgotten.
void attempt_begin(struct request *r);

// What was chosen since then is where all further tries begin.
void attempt_keep(struct request *r);

void attempt_done(struct attempt_origin *o);
