// What the files of vm/ share: the inside of struct vm, whose turn it is on a thread, and the
// coroutines and scopes that Lua runs in.
//
// Owner: vm.c makes and frees the struct; scope.c keeps its coroutines and scopes. Threads: the one
// that runs the VM.
//
//   request or timer -> scope -> entry: the phase's coroutine, or the timer's
//                             '-> threads: light threads that it spawned
//
// A plugin may make coroutines of its own within one of these; C does not know them. What waits in
// one of them yields all the way down to the coroutine that C resumes
// (lua/weir/wait/coroutines.lua).

#pragma once

#include "base/arena.h"
#include "base/list.h"
#include "net/alarm.h"
#include "proxy/hooks.h"
#include "base/wheel.h"
#include "vm/abi.h"
#include "vm/bounds.h"
#include "vm/link.h"
#include "vm/vm.h"

#include <lauxlib.h>
#include <lua.h>

struct client;
struct coroutine;
struct request;
struct shown;

// What a coroutine waits for.
struct wait {
    int (*results)(struct coroutine *c);    // pushes what the call returns to Lua, and counts it
    void (*cancel)(struct coroutine *c);    // nobody waits any more
};

// A coroutine that C resumes. It is kept alive by the registry, and used again when it ended well.
struct coroutine {
    lua_State *L;
    int ref;
    struct coroutine *next;         // in vm->spare
    struct scope *scope;            // while it is in use
    struct list node;               // in scope->threads: a light thread
    int number;                     // under which Lua finds it (thread.c), 0: none yet
    const struct wait *wait;        // NULL: it does not wait
    void *subject;                  // the socket that it waits for
    bool exits;                     // it gave up control for good: the phase ends
    struct alarm *alarm;            // it goes on when that fires
    bool woken;                     // somebody woke it before its time
    uint64_t parks;                 // how often it waited to be woken
};

// A socket, which is released with the scope that made it.
struct owned {
    struct list node;               // in scope->owned
    void (*release)(struct owned *o);   // unlinks it
};

// Where Lua code lives: a request, or one run of a timer.
struct scope {
    struct vm *vm;
    struct request *request;        // NULL: a timer's
    int slot;                       // from 1: Lua keeps what belongs to it in an array
    struct scope *next;             // in vm->spare_scopes
    struct list node;               // in vm->runs: a timer's
    struct coroutine *entry;        // waits
    struct coroutine *due;          // goes on when the request is resumed
    struct coroutine *reader;       // waits for the request's body
    struct list threads;            // light threads that are not over
    struct list owned;              // struct owned
    bool exits;                     // a light thread ended the phase
    bool leaves;                    // what ends is the handler, not the phase
    bool kept;                      // Lua keeps something of it
};

struct vm {
    lua_State *L;
    struct bounds bounds;
    int worker;                     // id, -1 in other VMs
    struct proxy *proxy;            // the worker's, NULL in other VMs
    bool exiting;                   // the worker drains
    struct weir_turn now;           // what Lua sees of the turn
    int module;                     // registry references: the entry module,
    int run, go_on, retry, judge, certificate;  // and functions of it, LUA_REFNIL where it has none
    int release, stray_yield;
    unsigned adopted;               // snapshots
    struct coroutine *spare;
    unsigned spare_count;
    struct scope *spare_scopes;
    int scopes_made;
    struct coroutine *running;      // the one that C resumed last
    int numbered;                   // registry reference: number -> struct coroutine
    int last_number;
    struct link_pools pools;        // idle connections of cosockets
    struct list timers;             // pending ones (timer.c)
    unsigned timers_pending, timers_running;
    struct list runs;               // scopes of timers that run
    struct arena turn;              // what body filters made; freed in vm_collect()
    size_t live;                    // bytes in use after the last full collection
    size_t last;                    // bytes in use when vm_collect() ran last
    bool collecting;                // a collection is under way
};

// The VM that runs on this thread, and what it runs for: a request's phase, or a timer; neither
// outside. While plugins judge an upstream there is also what they are shown of it.
struct turn {
    struct vm *vm;
    struct request *request;
    const struct shown *shown;
    struct scope *scope;
    struct client *client;          // in the certificate phase, where there is no request
    uint64_t since;                 // ms, when bounds.c looked first; 0: not yet
};
extern _Thread_local struct turn turn;

// Logs the error on top of `L` with a traceback of it, under what was being done.
void state_log_error(struct vm *vm, lua_State *L, const char *doing);

// Calls a function of the entry module that only tidies up or logs.
void state_notify(struct vm *vm, int function, int argument);

// ---- scope.c

void scopes_init(struct vm *vm);
void scopes_done(struct vm *vm);

struct scope *scope_take(struct vm *vm, struct request *request);
// Stops what still waits, forgets Lua's tables of it.
void scope_give(struct scope *s);
// Stops what still waits.
void scope_stop(struct scope *s);
bool scope_idle(const struct scope *s);

// A coroutine for a function and its arguments, which the caller pushes on its L.
struct coroutine *coroutine_take(struct scope *s);
void coroutine_drop(struct coroutine *c);
void coroutine_unalarm(struct coroutine *c);    // calls its alarm off, if it has one

// Runs a coroutine with what is on its stack, until it ends or waits. The result is the scope's: it
// waits as long as its entry or one of its threads does; for other results nothing of it is left.
enum hook_result scope_enter(struct coroutine *c, int arguments);

// The same for one whose wait is over.
enum hook_result scope_resume(struct coroutine *c);

// Its wait is over: continues it, and what it belongs to. Both may be gone afterwards.
void scope_wake(struct coroutine *c);

// ---- wait.c, thread.c, timer.c, socket.c, udp.c: functions of the module weir.wait.core

void wait_open(lua_State *L);
extern const luaL_Reg thread_functions[], timer_functions[], socket_functions[], udp_functions[];

// The loop that waits and timers are on, NULL in VMs without one.
struct loop *wait_loop(struct vm *vm);

// The coroutine that waits when the code that runs on `L` does. An error for the plugin where
// nothing may wait.
struct coroutine *wait_allowed(lua_State *L);
// Gives up control. Returns what the C function that waits has to return.
int wait_yield(lua_State *L, struct coroutine *c, const struct wait *what);
// Ends the phase; as above.
int wait_exit(lua_State *L, struct coroutine *c);

// Lua does not find the coroutine any more.
void thread_forget(struct vm *vm, struct coroutine *c);

// A timer's run is over.
void timer_over(struct scope *s);
