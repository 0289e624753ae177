// One event loop: the clock, the timer wheel, the scratch memory that all connections of a thread
// share, deferred work, and a mailbox for other threads.
//
// Owner: the worker or the control thread that runs it. Threads: its own, but for loop_post().
//
// A turn: wait for events -> callbacks -> deferred tasks -> batched tasks -> before_wait hook ->
// wait. The wait's length is the wheel's next deadline; an idle loop does not wake up.

#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/buf.h"
#include "base/counter.h"
#include "base/list.h"
#include "base/wheel.h"

enum {
    LOOP_IN = 64 * 1024,      // one read lands here
    LOOP_OUT = 128 * 1024,    // one turn's ciphertext of one connection is gathered here
    LOOP_PLAIN = 96 * 1024,   // plaintext of one read: LOOP_IN plus a record carried over
};

// Work put off to the end of the turn: embedded in its owner, unlinked by list_remove(&task->node).
struct task {
    struct list node;
    void (*run)(struct task *t);
};

struct loop {
    void *uv;                   // uv_loop_t
    uint64_t now;               // ms, monotonic: when the loop last woke up
    uint64_t turn;              // counts waits: a turn's events happened before what it sends
    bool awake;                 // it does not wait; this and `turn` are read by other threads
    struct wheel wheel;
    struct arena_pool arenas;
    struct buf_pool bufs;
    char *in, *out, *plain;     // scratch, valid within one callback
    struct list deferred;       // struct task
    struct list batch;          // struct task, of which `batched` were added since it was run
    unsigned batched;
    uint64_t batch_tick;        // of the kernel's clock, when the first of them was
    void (*before_wait)(void *arg);
    void *before_wait_arg;
    unsigned conns;             // open connections, for drain and counters
    unsigned finishing;         // of which nobody owns any more: conn_finish()
};

// Each callback from libuv begins with it; `now` is libuv's.
static inline void loop_woke(struct loop *l, uint64_t now)
{
    l->now = now;
    __atomic_store_n(&l->awake, true, __ATOMIC_RELAXED);
}

// From any thread.
static inline bool loop_awake(const struct loop *l)
{
    return __atomic_load_n(&l->awake, __ATOMIC_RELAXED);
}

// loop_new() also makes the process ignore SIGPIPE: a write to a peer that is gone has to be an
// error.
struct loop *loop_new(void);
void loop_free(struct loop *l);   // after loop_run(), with all connections and watches closed
void loop_run(struct loop *l);    // until loop_stop()
void loop_stop(struct loop *l);   // the turn that is under way is finished

// Runs `t` at the end of this turn; a task that is already queued stays where it is.
void loop_defer(struct loop *l, struct task *t);
static inline void task_init(struct task *t, void (*run)(struct task *t))
{
    list_init(&t->node);
    t->run = run;
}

// Runs `t` together with others of its kind: after the deferred tasks of this turn, or with the one
// that makes them LOOP_BATCH or comes in another tick of the kernel's clock (a few ms) than the
// first. So the first waits for few others, and not for long where they take much of the processor.
// It may call nobody's callbacks; to call it off, unlink it.
enum { LOOP_BATCH = 32 };
void loop_batch(struct loop *l, struct task *t);

// Runs deferred tasks now: for the end of a loop's life, when no turn comes any more.
void loop_run_deferred(struct loop *l);

// From any thread: runs fn(arg) on the loop's thread, in the order posted. What was posted to a
// loop that has stopped is not run.
void loop_post(struct loop *l, void (*fn)(void *arg), void *arg);

// Arms or re-arms a timer `ms` from now, and disarms it.
void loop_timer(struct loop *l, struct timer *t, uint64_t ms);
void loop_timer_clear(struct loop *l, struct timer *t);

// Calls fn(arg, signum) on the loop when the process gets `signum`. Fails with err_io.
err_t loop_on_signal(struct loop *l, int signum, void (*fn)(void *arg, int signum), void *arg);

// Calls fn(arg) whenever `fd` is readable or writable (c-ares sockets, pipes, listening sockets),
// as `events` asks; stops with loop_unwatch(), before the descriptor is closed. NULL when it cannot
// be waited for (a regular file).
struct watch;
enum { WATCH_READ = 1, WATCH_WRITE = 2 };
struct watch *loop_watch(struct loop *l, int fd, int events,
                         void (*fn)(void *arg, int fd, int events), void *arg);
void loop_rewatch(struct watch *w, int events);   // 0: keeps the watch, but silent
void loop_unwatch(struct watch *w);   // may be called from within fn
