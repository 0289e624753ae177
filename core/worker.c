// worker.c - the life of a worker thread.

#include "worker.h"

#include "base/log.h"
#include "base/mem.h"
#include "net/listen.h"
#include "proxy/client.h"
#include "vm/activity.h"
#include "vm/vm.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOG_FLUSH = 100 };   // ms that an access log line may wait for company

// Enough for what plugins may nest (vm/bounds.c), whatever the shell's limit is.
enum { STACK_SIZE = 8 << 20 };

struct open_listener {
    struct worker *worker;
    struct worker_listen spec;
    struct listener *listener;  // NULL before the first configuration, and after drain
};

struct worker_state {
    struct worker *worker;
    pthread_t thread;
    const char *lua_root;
    struct loop *loop;
    struct resolver *resolver;
    struct open_listener *listeners;
    unsigned listener_count;
    struct timer flush;
    struct list adoptions;      // struct adoption
    // Start: worker_start() waits for the thread's word.
    pthread_mutex_t lock;
    pthread_cond_t started;
    enum { STARTING, STARTED, FAILED } phase;
    // Drain.
    struct loop *drain_reply;
    void (*drained)(void *arg);
    void *drained_arg;
};

// A message with an answer, on its way to the worker and back. Nobody may be there any more to take
// the answer, so the worker keeps those that are under way.
struct adoption {
    struct list node;           // in the worker's adoptions, which are the control thread's
    struct worker *worker;
    struct snapshot *snapshot;
    struct loop *reply;
    void (*done)(void *arg, char *why);
    void *arg;
    char *why;
};

// -- each turn ------------------------------------------------------------------------------------

static void flush(struct timer *t)
{
    struct worker_state *s = container_of(t, struct worker_state, flush);
    log_buffer_flush(&s->worker->proxy.access_log);
}

static void before_wait(void *arg)
{
    struct worker *w = arg;
    struct worker_state *s = w->state;
    runtime_turn(&w->lua);
    if (w->proxy.access_log.len > 0 && s->flush.deadline == 0)
        loop_timer(s->loop, &s->flush, LOG_FLUSH);
    if (s->drained && list_empty(&w->proxy.clients) && s->loop->finishing == 0 &&
        runtime_idle(&w->lua)) {
        log_buffer_flush(&w->proxy.access_log);
        loop_post(s->drain_reply, s->drained, s->drained_arg);
        s->drained = NULL;
    }
}

static void accepted(struct listener *l, struct conn *c)
{
    const struct open_listener *o = l->owner;
    client_accept(&o->worker->proxy, c, o->spec.tls, o->spec.admin);
}

static void open_listeners(struct worker_state *s)
{
    for (unsigned i = 0; i < s->listener_count; i++) {
        struct open_listener *o = &s->listeners[i];
        if (!o->listener && o->spec.fd >= 0)
            o->listener = listener_open(s->loop, o->spec.fd, accepted, o);
    }
}

static void close_listeners(struct worker_state *s)
{
    for (unsigned i = 0; i < s->listener_count; i++) {
        if (s->listeners[i].listener)
            listener_close(s->listeners[i].listener);
        s->listeners[i].listener = NULL;
        s->listeners[i].spec.fd = -1;
    }
}

// -- adopt ----------------------------------------------------------------------------------------

static void adoption_free(struct adoption *a)
{
    list_remove(&a->node);
    snapshot_unref(a->snapshot);
    free(a->why);
    free(a);
}

static void adoption_back(void *arg)
{
    struct adoption *a = arg;
    char *why = a->why;
    a->why = NULL;
    a->done(a->arg, why);
    adoption_free(a);
}

static void adoption_there(void *arg)
{
    struct adoption *a = arg;
    a->why = runtime_adopt(&a->worker->lua, a->snapshot);
    snapshot_unref(a->snapshot);
    a->snapshot = NULL;
    if (!a->why)
        open_listeners(a->worker->state);
    loop_post(a->reply, adoption_back, a);
}

void worker_adopt(struct worker *w, struct snapshot *s, struct loop *reply,
                  void (*done)(void *arg, char *why), void *arg)
{
    struct adoption *a = xcalloc(1, sizeof *a);
    *a = (struct adoption){
        .worker = w, .snapshot = snapshot_ref(s), .reply = reply, .done = done, .arg = arg,
    };
    list_push_tail(&w->state->adoptions, &a->node);
    loop_post(w->state->loop, adoption_there, a);
}

// -- drain and stop -------------------------------------------------------------------------------

struct draining {
    struct worker *worker;
    struct loop *reply;
    void (*done)(void *arg);
    void *arg;
};

static void drain_there(void *arg)
{
    struct draining *d = arg;
    struct worker_state *s = d->worker->state;
    s->drain_reply = d->reply;
    s->drained = d->done;
    s->drained_arg = d->arg;
    free(d);
    for (unsigned i = 0; i < s->listener_count; i++)
        if (s->listeners[i].spec.fd >= 0)
            listen_refuse(s->listeners[i].spec.fd);
    close_listeners(s);
    runtime_set_exiting(&s->worker->lua);
    proxy_drain(&s->worker->proxy);
}

void worker_drain(struct worker *w, struct loop *reply, void (*done)(void *arg), void *arg)
{
    struct draining *d = xcalloc(1, sizeof *d);
    *d = (struct draining){ w, reply, done, arg };
    loop_post(w->state->loop, drain_there, d);
}

static void stop_there(void *arg)
{
    struct worker *w = arg;
    close_listeners(w->state);
    loop_stop(w->state->loop);
}

void worker_stop(struct worker *w)
{
    struct worker_state *s = w->state;
    loop_post(s->loop, stop_there, w);
    pthread_join(s->thread, NULL);
}

void worker_free(struct worker *w)
{
    struct worker_state *s = w->state;
    list_each(it, &s->adoptions)
        adoption_free(container_of(it, struct adoption, node));
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->started);
    free(s->listeners);
    free(s);
    free(w);
}

// -- the thread -----------------------------------------------------------------------------------

static void tell(struct worker_state *s, bool ok)
{
    pthread_mutex_lock(&s->lock);
    s->phase = ok ? STARTED : FAILED;
    pthread_cond_signal(&s->started);
    pthread_mutex_unlock(&s->lock);
}

static void *thread_main(void *arg)
{
    struct worker *w = arg;
    struct worker_state *s = w->state;
    const bool loaded = runtime_open(&w->lua, &w->proxy, s->lua_root, w->id);
    err_t err = loaded ? resolver_new(s->loop, &s->resolver) : &err_internal;
    if (err) {
        if (loaded)
            log_write(LOG_EMERG, 0, "worker %u cannot resolve names: %s", w->id, err->text);
        runtime_close(&w->lua);
        tell(s, false);
        return NULL;
    }
    proxy_init(&w->proxy, s->loop, s->resolver, vm_hooks());
    runtime_attach(&w->lua);
    w->activity = activity_own();
    s->loop->before_wait = before_wait;
    s->loop->before_wait_arg = w;
    tell(s, true);

    loop_run(s->loop);

    loop_timer_clear(s->loop, &s->flush);
    s->loop->before_wait = NULL;
    runtime_stop(&w->lua);
    proxy_done(&w->proxy);
    resolver_free(s->resolver);
    runtime_close(&w->lua);
    loop_free(s->loop);
    return NULL;
}

// Signals are the control thread's.
static int start_thread(struct worker_state *s)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&s->thread, &attributes, thread_main, s->worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failed;
}

struct worker *worker_start(unsigned id, const char *lua_root, const struct worker_listen *listens,
                            unsigned count)
{
    struct worker *w = xcalloc(1, sizeof *w);
    struct worker_state *s = xcalloc(1, sizeof *s);
    w->id = id;
    w->state = s;
    s->worker = w;
    s->lua_root = lua_root;
    s->loop = loop_new();
    s->listeners = xcalloc(count + 1, sizeof *s->listeners);
    s->listener_count = count;
    for (unsigned i = 0; i < count; i++)
        s->listeners[i] = (struct open_listener){ .worker = w, .spec = listens[i] };
    timer_init(&s->flush, flush);
    list_init(&s->adoptions);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->started, NULL);

    int failed = start_thread(s);
    if (failed) {
        log_write(LOG_EMERG, 0, "cannot start a worker thread: %s", strerror(failed));
        return NULL;
    }
    pthread_mutex_lock(&s->lock);
    while (s->phase == STARTING)
        pthread_cond_wait(&s->started, &s->lock);
    bool ok = s->phase == STARTED;
    pthread_mutex_unlock(&s->lock);
    return ok ? w : NULL;
}
