// One call at a time that is exact to the millisecond: what Lua sleeps for, and its timers.
//
// The wheel (base/wheel.h) is for the many timers that are moved again and again and hardly ever
// fire; an alarm is for one that will.
//
// Owner: whoever set it, until it fires or alarm_clear(). Threads: the loop's.

#pragma once

#include "net/loop.h"

struct alarm;

// Calls fire(arg) once, `ms` from now, never from within this call; the alarm is gone then. 0 is
// the loop's next turn.
struct alarm *alarm_set(struct loop *l, uint64_t ms, void (*fire)(void *arg), void *arg);
void alarm_clear(struct alarm *a);
