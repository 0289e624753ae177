// A worker's Lua: the VM that new requests and timers run in, and the one before it as long as
// requests use that.
//
// A VM whose plugins keep all that lua_memory_limit allows is of no use: each that takes memory
// fails. It is replaced by a new one, on the configuration in force. Requests that began in the old
// one end in it, each under the view that it began with; its timers are called off.
//
//   spent -> a new VM adopts the snapshot -> new view -> last request of the old views -> freed
//
// Owner: struct worker. Threads: the worker's; others read `bytes` and `renewals` (base/counter.h).

#pragma once

#include "base/str.h"
#include "base/wheel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct proxy;
struct snapshot;
struct vm;

struct runtime {
    struct proxy *proxy;
    const char *lua_root;
    int worker;                 // its id
    struct vm *vm;              // for what begins
    struct vm *old;             // NULL, or what began there is not over
    bool exiting;
    struct timer due;           // of a renewal that has to wait
    uint64_t renewed;           // ms of the loop's clock, when that was tried last; 0: never
    uint64_t pause;             // ms from then until it may be tried again
    uint64_t bytes;             // that Lua has in use, as of the last turn
    uint64_t renewals;
};

// Loads the first VM. False: it cannot be, which is logged. `proxy` is set up later, before the
// loop runs.
bool runtime_open(struct runtime *t, struct proxy *proxy, const char *lua_root, unsigned worker);
// The proxy is there: its loop and connections can be used.
void runtime_attach(struct runtime *t);

// Puts a snapshot in force, whose reference stays with the caller. Returns NULL, or why what was
// there before stays (freed by the caller).
char *runtime_adopt(struct runtime *t, struct snapshot *s);

// For the loop's idle moment, each turn: collects garbage, and replaces a VM that is spent.
void runtime_turn(struct runtime *t);

// The worker drains; and whether Lua has nothing more to do.
void runtime_set_exiting(struct runtime *t);
bool runtime_idle(const struct runtime *t);

// Ends timers and what waits in them, while loop and resolver are there; the rest once the proxy is
// done.
void runtime_stop(struct runtime *t);
void runtime_close(struct runtime *t);
