// How many handshakes with upstreams came to which verdict, service by service: for metrics.
//
// Bounded: what comes to services beyond the bound is counted under "". Nothing is ever taken away,
// since counters only grow. A handshake costs one look-up, a request nothing.
//
// Owner: tally_process() lives as long as the process; specs make their own. Threads: any.

#pragma once

#include "base/table.h"
#include "tls/policy.h"
#include "tls/verdict.h"

#include <pthread.h>

enum { TALLY_SERVICES_MAX = 16384 };
enum { TALLY_NAME = 256 };

struct tally_record {
    char service[TALLY_NAME];       // cut to size
    uint64_t counts[POLICY_MODES][VERDICT_CODE_COUNT];
};

struct tally {
    pthread_mutex_t mutex;
    struct table by_name;
    struct tally_record **list;     // in the order in which services were first counted
    unsigned count, room, max;
};

// `max`: services that are counted by name.
void tally_init(struct tally *t, unsigned max);
void tally_done(struct tally *t);
struct tally *tally_process(void);

// Counts a handshake of a service's.
void tally_count(struct tally *t, struct str service, const struct verdict *verdict);

// The service at an index, from 0; false: there is none.
bool tally_at(struct tally *t, unsigned index, struct tally_record *out);
