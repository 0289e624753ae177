// Notices that a worker does not come back to its loop: a plugin calls a function of C that takes
// its time, and nothing can interrupt that. The log says who it is, once for each stall, and when
// it is over. A worker that does not come back at all ends the process, so that the supervisor
// starts it anew.
//
// A worker publishes whether it is awake and counts its turns (net/loop.h). How long a turn lasts
// is counted in the watchdog's own ticks: a process that was stopped as a whole has not stalled.
//
// Owner: struct control. Threads: the control thread's; it reads what the workers publish.

#pragma once

#include "base/wheel.h"
#include "worker.h"

struct snapshot;

struct watched {
    const struct worker *worker;
    uint64_t turn;          // that it was in at the last tick
    uint32_t ticks;         // since when it is
    bool told;
};

struct watchdog {
    struct loop *loop;
    struct timer timer;
    uint32_t warning, limit;            // ms; 0: never
    uint32_t period;                    // ms from tick to tick
    struct watched *workers;
    unsigned count;
    struct snapshot *const *current;    // where the names of routes are
    uint64_t stalls;                    // that the log told of
};

// Watches workers, which run longer than it does. `warning` and `limit` in ms, 0: that is not done.
void watchdog_start(struct watchdog *d, struct loop *loop, struct worker *const *workers,
                    unsigned count, uint32_t warning, uint32_t limit,
                    struct snapshot *const *current);
void watchdog_stop(struct watchdog *d);
