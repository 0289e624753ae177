// A worker: one thread, one loop, one LuaJIT VM, its own connections, realms and buffers. Workers
// share nothing mutable.
//
// Owner: the control thread makes and joins them. Threads: functions named worker_* are called by
// the control thread.

#pragma once

#include "conf/snapshot.h"
#include "proxy/proxy.h"
#include "runtime.h"

struct activity;

// A listening socket that a worker accepts on, once it has a configuration.
struct worker_listen {
    int fd;
    bool tls;
    bool admin;         // requests go to the Admin API's plan, whatever their path
};

struct worker {
    unsigned id;                    // 0..
    struct proxy proxy;
    struct runtime lua;
    const struct activity *activity;    // what its Lua is doing now
    struct worker_state *state;     // thread, listeners: worker.c
};

// Starts the thread; returns when its VM is loaded. NULL when it cannot be (logged). `listens`
// stays with the caller.
struct worker *worker_start(unsigned id, const char *lua_root, const struct worker_listen *listens,
                            unsigned count);

// Puts a snapshot in force (takes its own reference); then done(arg, why) is posted to `reply`:
// `why` is NULL, or says why the worker keeps what it had (freed by the receiver).
void worker_adopt(struct worker *w, struct snapshot *s, struct loop *reply,
                  void (*done)(void *arg, char *why), void *arg);

// Refuses new connections, lets requests finish; done(arg) is posted to `reply` when no client
// connection is left.
void worker_drain(struct worker *w, struct loop *reply, void (*done)(void *arg), void *arg);

// Stops at once and joins the thread; its counters can still be read until worker_free().
void worker_stop(struct worker *w);
void worker_free(struct worker *w);
