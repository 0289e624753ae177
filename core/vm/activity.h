// What a worker's Lua is doing now, as the control thread may ask at any moment (watchdog.h).
//
// Owner: the thread, which has one as long as it runs. Threads: written by its own, in C with
// relaxed stores, and by Lua with plain ones, which are of one aligned word; read by others with
// relaxed loads. What belongs together may be read half before and half after a change, so these
// are numbers, which a reader looks up in what is its own.

#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct request;

struct activity {
    uint32_t plugin;        // activity_mark(), 0: none
    uint32_t phase;         // enum phase or WEIR_PHASE_TIMER, plus 1; 0: none
    uint32_t plan;          // of the request, in the snapshot
    int64_t serial;         // with this number; 0: no request
};

// The calling thread's.
struct activity *activity_own(void);

// Lua is entered in a phase, for a request or without one (NULL); and left. Entries nest.
struct activity activity_enter(uint32_t phase, const struct request *r);
void activity_leave(struct activity before);

// A copy of what another thread is doing.
struct activity activity_read(const struct activity *a);

// A number for the name of a plugin, the same in all threads, 0 when there are too many; and the
// name of a number, "" when there is none.
uint32_t activity_mark(struct str name);
struct str activity_name(uint32_t mark);
