// loop.c - a libuv loop with one timer, one mailbox and a queue of work for the end of the turn.

#include "net/loop.h"

#include "base/mem.h"
#include "net/conn.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

// Tasks queued by tasks run in the same turn, but so many rounds at most: sockets have to get their
// turn too.
enum { MAX_ROUNDS = 8 };

struct mail {
    struct mail *next;
    void (*fn)(void *arg);
    void *arg;
};

struct loop_impl {
    struct loop loop;   // first: a struct loop is cast back to this
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_timer_t timer;
    uint64_t timer_at;  // when `timer` goes off, UINT64_MAX: stopped
    uv_async_t wake;
    pthread_mutex_t lock;   // guards the mailbox
    struct mail *first, **last;
};

struct signal_watch {
    uv_signal_t uv;
    void (*fn)(void *arg, int signum);
    void *arg;
};

struct watch {
    uv_poll_t uv;
    int fd;
    void (*fn)(void *arg, int fd, int events);
    void *arg;
};

static struct loop_impl *impl_of(struct loop *l)
{
    return (struct loop_impl *)l;
}

// libuv reads the clock once when it wakes up, and each callback from it begins by taking that time
// over.
static void update_now(struct loop *l)
{
    loop_woke(l, uv_now(l->uv));
}

// -- the turn -------------------------------------------------------------------------------------

void loop_run_deferred(struct loop *l)
{
    for (int round = 0; round < MAX_ROUNDS && !list_empty(&l->deferred); round++) {
        // The queue moves to a head of its own: what is deferred from now on belongs to the next
        // round.
        struct list batch = l->deferred;
        batch.next->prev = batch.prev->next = &batch;
        list_init(&l->deferred);
        for (struct list *node; (node = list_first(&batch));) {
            struct task *t = container_of(node, struct task, node);
            list_remove(node);
            t->run(t);
        }
    }
}

// The clock that is read in no time, since it stands still between the kernel's ticks.
static uint64_t kernel_tick(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void run_batch(struct loop *l)
{
    l->batched = 0;
    for (struct list *node; (node = list_first(&l->batch));) {
        list_remove(node);
        struct task *t = container_of(node, struct task, node);
        t->run(t);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct loop_impl *m = container_of(timer, struct loop_impl, timer);
    m->timer_at = UINT64_MAX;
    update_now(&m->loop);
    wheel_advance(&m->loop.wheel, m->loop.now);
}

static void arm_timer(struct loop_impl *m)
{
    // The hook may have left work, too; it is done in a turn that does not wait.
    const bool due = !list_empty(&m->loop.deferred) || !list_empty(&m->loop.batch);
    const uint64_t at = due ? m->loop.now : wheel_next(&m->loop.wheel);
    if (at == m->timer_at)
        return;
    m->timer_at = at;
    if (at == UINT64_MAX)
        uv_timer_stop(&m->timer);
    else
        uv_timer_start(&m->timer, on_timer, at > m->loop.now ? at - m->loop.now : 0, 0);
}

// libuv calls it right before it waits.
static void on_prepare(uv_prepare_t *prepare)
{
    struct loop_impl *m = container_of(prepare, struct loop_impl, prepare);
    struct loop *l = &m->loop;
    update_now(l);
    loop_run_deferred(l);
    run_batch(l);
    if (l->before_wait)
        l->before_wait(l->before_wait_arg);
    arm_timer(m);
    counter_add(&l->turn, 1);
    __atomic_store_n(&l->awake, false, __ATOMIC_RELAXED);
}

static void on_wake(uv_async_t *wake)
{
    struct loop_impl *m = container_of(wake, struct loop_impl, wake);
    update_now(&m->loop);
    pthread_mutex_lock(&m->lock);
    struct mail *mail = m->first;
    m->first = NULL;
    m->last = &m->first;
    pthread_mutex_unlock(&m->lock);
    while (mail) {
        struct mail *next = mail->next;
        mail->fn(mail->arg);
        free(mail);
        mail = next;
    }
}

// -- life -----------------------------------------------------------------------------------------

// libuv fails here only without memory or descriptors at start-up, where nothing can go on.
static void must(int status)
{
    if (status != 0) {
        fprintf(stderr, "weir: event loop: %s\n", uv_strerror(status));
        abort();
    }
}

struct loop *loop_new(void)
{
    // Writing to a connection whose peer is gone has to be an error, not the end of the process.
    signal(SIGPIPE, SIG_IGN);
    struct loop_impl *m = xcalloc(1, sizeof *m);
    struct loop *l = &m->loop;
    must(uv_loop_init(&m->uv));
    l->uv = &m->uv;
    update_now(l);
    must(uv_prepare_init(&m->uv, &m->prepare));
    must(uv_prepare_start(&m->prepare, on_prepare));
    must(uv_timer_init(&m->uv, &m->timer));
    m->timer_at = UINT64_MAX;
    must(uv_async_init(&m->uv, &m->wake, on_wake));
    pthread_mutex_init(&m->lock, NULL);
    m->last = &m->first;
    wheel_init(&l->wheel, l->now);
    arena_pool_init(&l->arenas);
    buf_pool_init(&l->bufs);
    l->in = xmalloc(LOOP_IN);
    l->out = xmalloc(LOOP_OUT);
    l->plain = xmalloc(LOOP_PLAIN);
    list_init(&l->deferred);
    list_init(&l->batch);
    return l;
}

static void free_signal(uv_handle_t *handle)
{
    free(container_of(handle, struct signal_watch, uv));
}

// What the loop itself opened is closed here, and the connections that are being finished, which
// nobody owns; anything else that is still open was forgotten by its owner.
static void close_own(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (uv_is_closing(handle))
        return;
    if (handle->type == UV_TCP) {
        struct conn *c = handle->data;
        assert(c->finishing);
        conn_close(c);
        return;
    }
    assert(handle->type != UV_POLL);
    uv_close(handle, handle->type == UV_SIGNAL ? free_signal : NULL);
}

void loop_free(struct loop *l)
{
    struct loop_impl *m = impl_of(l);
    uv_prepare_stop(&m->prepare);
    uv_walk(&m->uv, close_own, NULL);
    uv_run(&m->uv, UV_RUN_DEFAULT);
    const int left = uv_loop_close(&m->uv);
    assert(left == 0);
    (void)left;
    while (m->first) {
        struct mail *mail = m->first;
        m->first = mail->next;
        free(mail);
    }
    pthread_mutex_destroy(&m->lock);
    arena_pool_done(&l->arenas);
    buf_pool_done(&l->bufs);
    free(l->in);
    free(l->out);
    free(l->plain);
    free(m);
}

void loop_run(struct loop *l)
{
    uv_update_time(l->uv);
    update_now(l);
    uv_run(l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
    uv_stop(l->uv);
}

// -- work and timers ------------------------------------------------------------------------------

void loop_defer(struct loop *l, struct task *t)
{
    if (list_empty(&t->node))
        list_push_tail(&l->deferred, &t->node);
}

void loop_batch(struct loop *l, struct task *t)
{
    if (!list_empty(&t->node))
        return;
    const uint64_t tick = kernel_tick();
    if (list_empty(&l->batch))
        l->batch_tick = tick;
    list_push_tail(&l->batch, &t->node);
    if (++l->batched == LOOP_BATCH || tick != l->batch_tick)
        run_batch(l);
}

void loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
    struct loop_impl *m = impl_of(l);
    struct mail *mail = xmalloc(sizeof *mail);
    *mail = (struct mail){ NULL, fn, arg };
    pthread_mutex_lock(&m->lock);
    *m->last = mail;
    m->last = &mail->next;
    pthread_mutex_unlock(&m->lock);
    uv_async_send(&m->wake);
}

void loop_timer(struct loop *l, struct timer *t, uint64_t ms)
{
    wheel_set(&l->wheel, t, l->now + ms);
}

void loop_timer_clear(struct loop *l, struct timer *t)
{
    wheel_clear(&l->wheel, t);
}

// -- signals and descriptors ----------------------------------------------------------------------

static void on_signal(uv_signal_t *handle, int signum)
{
    struct signal_watch *s = container_of(handle, struct signal_watch, uv);
    update_now((struct loop *)handle->data);
    s->fn(s->arg, signum);
}

err_t loop_on_signal(struct loop *l, int signum, void (*fn)(void *arg, int signum), void *arg)
{
    struct signal_watch *s = xcalloc(1, sizeof *s);
    s->fn = fn;
    s->arg = arg;
    s->uv.data = l;
    if (uv_signal_init(l->uv, &s->uv) != 0) {
        free(s);
        return &err_io;
    }
    if (uv_signal_start(&s->uv, on_signal, signum) != 0) {
        uv_close((uv_handle_t *)&s->uv, free_signal);
        return &err_io;
    }
    return NULL;
}

static void on_ready(uv_poll_t *handle, int status, int events)
{
    struct watch *w = container_of(handle, struct watch, uv);
    update_now((struct loop *)handle->data);
    // An error is found by whoever reads or writes next.
    int ready = status < 0 ? WATCH_READ | WATCH_WRITE : 0;
    if (events & UV_READABLE)
        ready |= WATCH_READ;
    if (events & UV_WRITABLE)
        ready |= WATCH_WRITE;
    w->fn(w->arg, w->fd, ready);
}

struct watch *loop_watch(struct loop *l, int fd, int events,
                         void (*fn)(void *arg, int fd, int events), void *arg)
{
    struct watch *w = xcalloc(1, sizeof *w);
    w->fd = fd;
    w->fn = fn;
    w->arg = arg;
    w->uv.data = l;
    if (uv_poll_init(l->uv, &w->uv, fd) != 0) {
        free(w);
        return NULL;
    }
    loop_rewatch(w, events);
    return w;
}

void loop_rewatch(struct watch *w, int events)
{
    int wanted = 0;
    if (events & WATCH_READ)
        wanted |= UV_READABLE;
    if (events & WATCH_WRITE)
        wanted |= UV_WRITABLE;
    if (wanted == 0)
        uv_poll_stop(&w->uv);
    else
        uv_poll_start(&w->uv, wanted, on_ready);
}

static void free_watch(uv_handle_t *handle)
{
    free(container_of(handle, struct watch, uv));
}

void loop_unwatch(struct watch *w)
{
    uv_close((uv_handle_t *)&w->uv, free_watch);
}
