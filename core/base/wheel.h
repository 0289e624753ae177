// Timer wheel with lazy deadlines: one entry per connection or request, re-armed by a single store.
//
// Owner: the loop (net/loop.h) turns it; entries are embedded in their owners. Threads: the loop's.
// Activity calls wheel_touch(), which only moves the deadline later; when the slot fires early, the
// entry is filed again. Resolution is WHEEL_TICK ms; a timer never fires early, and at most a tick
// late.

#pragma once

#include "base/list.h"
#include "base/str.h"

enum { WHEEL_TICK = 50, WHEEL_SLOTS = 256, WHEEL_LEVELS = 3 };

struct timer {
    struct list node;
    uint64_t deadline;              // ms of the loop's clock; 0: not armed
    uint64_t filed;                 // ms: when the wheel looks at it; 0: not armed
    void (*fire)(struct timer *t);  // called once; the timer is disarmed then
};

struct wheel {
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
    uint64_t tick;      // last tick processed
    uint64_t next;      // no tick before it has anything to do
    size_t count;       // armed timers
};

void wheel_init(struct wheel *w, uint64_t now);

void timer_init(struct timer *t, void (*fire)(struct timer *t));

// Arms `t` to fire at `deadline` (ms, not 0); re-arms when it is armed. Callbacks may arm and clear
// any timer.
void wheel_set(struct wheel *w, struct timer *t, uint64_t deadline);
void wheel_clear(struct wheel *w, struct timer *t);

// Moves an armed timer's deadline later without touching the wheel (the hot path).
static inline void wheel_touch(struct timer *t, uint64_t deadline)
{
    t->deadline = deadline;
}

// Fires all that is due.
void wheel_advance(struct wheel *w, uint64_t now);

// When wheel_advance() must run next (ms), or UINT64_MAX when nothing is armed. It may be early (a
// timer was cleared or touched meanwhile), never late.
uint64_t wheel_next(const struct wheel *w);
