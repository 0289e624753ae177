// What the files of vm/ share: the inside of struct vm, and whose turn it is on a thread.
//
// Owner: vm.c makes and frees the struct; hooks.c keeps its coroutines and slots. Threads: the one
// that runs the VM.

#pragma once

#include "base/arena.h"
#include "base/wheel.h"
#include "vm/vm.h"

#include <lua.h>

struct shown;
struct request;

// A coroutine that a phase runs on. It is kept alive by the registry, and used again when its phase
// ended well.
struct coroutine {
    lua_State *L;
    int ref;
    struct coroutine *next;         // in vm->spare
    enum { PAUSE_NONE, PAUSE_BODY, PAUSE_SLEEP, PAUSE_EXIT } pause;  // why it gave up control
    struct request *request;        // while it waits
    struct timer timer;             // PAUSE_SLEEP
};

struct vm {
    lua_State *L;
    int worker;                     // id, -1 in other VMs
    bool exiting;                   // the worker drains
    int module;                     // registry references: the entry module,
    int run, judge, release, stray_yield;   // and functions of it, LUA_REFNIL where it has none
    struct coroutine *spare;
    unsigned spare_count;
    struct coroutine *running;      // the phase's
    int *slots;                     // free ones
    unsigned slots_free, slots_made;
    struct arena turn;              // what body filters made; freed in vm_collect()
    size_t live;                    // bytes in use after the last full collection
    size_t last;                    // bytes in use when vm_collect() ran last
    bool collecting;                // a collection is under way
};

// The VM that runs on this thread, and the request whose phase runs in it; NULL outside. While
// plugins judge an upstream there is also what they are shown of it.
struct turn {
    struct vm *vm;
    struct request *request;
    const struct shown *shown;
};
extern _Thread_local struct turn turn;

// Logs the error on top of `L` with a traceback of it, under what was being done.
void state_log_error(struct vm *vm, lua_State *L, const char *doing);

// hooks.c: what a struct vm owns for its requests.
void hooks_init(struct vm *vm);
void hooks_done(struct vm *vm);

// wait.c: registers the module weir.wait.core; puts on the stack what a wait that is over returns
// to Lua, and counts it; calls off a wait.
void wait_open(lua_State *L);
int wait_results(struct coroutine *c);
void wait_cancel(struct coroutine *c);
