// conn.c - reading, writing, pausing and ending of one TCP connection.
//
// Two rules make it safe to call anything from anywhere. Memory goes only in libuv's close
// callback, so that a callback may close the connection under the feet of those who called it; they
// look at `closing` afterwards. And user callbacks start only from libuv's callbacks and from the
// `resume` task, never from within conn_write(), conn_pause() and the like.

#include "net/conn_uv.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

enum {
    HELD_MAX = 64 * 1024,   // reading stops when so much is held for a paused user
    WRITE_SLICES = 4,       // slices of one uv_write(); for more libuv would allocate
    JOINED_MAX = 4096,      // bytes that wait for the end of the turn
    FLUSH_TIMEOUT = 60000,  // ms without progress in conn_finish(), unless there is a timeout
};

// How far the end of the connection has come; `broken` and `eof` in struct conn say what happened,
// these what was done.
struct conn_impl {
    struct conn conn;       // first: a struct conn is cast back to this
    uv_tcp_t tcp;
    uv_write_t write;
    struct task send;       // what is joined
    int fd;                 // of the handle, which owns it; -1 before it has one
    size_t in_flight;       // bytes at the front of `pending` that libuv is writing
    size_t queued;          // of which not written when the timer last looked
    uint64_t linger;        // ms, of conn_finish()
    err_t why;              // what broke it
    bool started;           // conn_start() was called
    bool fin;               // nothing more comes from the socket
    bool shut;              // our FIN is out
    bool urgent;            // tell the failure at once, even if bytes are held
    bool told;              // the user knows of the failure: it gets nothing more
};

static _Atomic uint64_t last_id;

static struct conn_impl *impl_of(struct conn *c)
{
    return (struct conn_impl *)c;
}

static void *handle_of(struct conn *c)
{
    return &impl_of(c)->tcp;
}

static struct conn *conn_of(const void *handle)
{
    struct conn *c = ((const uv_handle_t *)handle)->data;
    loop_woke(c->loop, uv_now(c->loop->uv));
    return c;
}

static void on_timeout(struct timer *t);
static void settle(struct task *t);
static void send_joined(struct task *t);

// -- making ---------------------------------------------------------------------------------------

struct conn *conn_new(struct loop *l)
{
    struct conn_impl *m = xcalloc(1, sizeof *m);
    struct conn *c = &m->conn;
    c->loop = l;
    c->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
    buf_init(&c->joined, &l->bufs);
    buf_init(&c->pending, &l->bufs);
    buf_init(&c->held, &l->bufs);
    timer_init(&c->timer, on_timeout);
    task_init(&c->resume, settle);
    task_init(&m->send, send_joined);
    m->fd = -1;
    uv_tcp_init(l->uv, &m->tcp);   // cannot fail: it makes no socket
    m->tcp.data = c;
    l->conns++;
    return c;
}

void *conn_tcp(struct conn *c)
{
    return handle_of(c);
}

static void set_addr(struct addr *a, int status, int len)
{
    const bool inet = status == 0 &&
                      (a->sa.any.sa_family == AF_INET || a->sa.any.sa_family == AF_INET6);
    if (inet)
        a->len = (socklen_t)len;
    else
        *a = (struct addr){ 0 };
}

void conn_connected(struct conn *c)
{
    struct conn_impl *m = impl_of(c);
    uv_fileno(handle_of(c), &m->fd);
    // Neither failure matters: the socket may be no TCP socket, and a peer that is gone already
    // shows by reading.
    uv_tcp_nodelay(&m->tcp, 1);
    int len = sizeof c->peer.sa;
    set_addr(&c->peer, uv_tcp_getpeername(&m->tcp, &c->peer.sa.any, &len), len);
    len = sizeof c->local.sa;
    set_addr(&c->local, uv_tcp_getsockname(&m->tcp, &c->local.sa.any, &len), len);
}

struct conn *conn_from_fd(struct loop *l, int fd)
{
    struct conn *c = conn_new(l);
    if (uv_tcp_open(handle_of(c), fd) != 0) {
        close(fd);
        conn_close(c);
        return NULL;
    }
    conn_connected(c);
    return c;
}

void conn_set_user(struct conn *c, const struct conn_user *user, void *owner)
{
    c->user = user;
    c->owner = owner;
}

void conn_set_filter(struct conn *c, const struct conn_filter *filter, void *state)
{
    assert(!c->filter);
    c->filter = filter;
    c->state = state;
}

// -- failing and timeouts -------------------------------------------------------------------------

err_t conn_error(int status)
{
    switch (status) {
    case UV_EOF:
        return &err_closed;
    case UV_ECONNRESET:
    case UV_ECONNABORTED:
    case UV_EPIPE:
        return &err_reset;
    case UV_ECONNREFUSED:
        return &err_refused;
    case UV_EHOSTUNREACH:
    case UV_ENETUNREACH:
    case UV_EHOSTDOWN:
    case UV_ENETDOWN:
        return &err_unreachable;
    case UV_ETIMEDOUT:
        return &err_read_timeout;
    case UV_EMFILE:
    case UV_ENFILE:
        return &err_descriptors;
    default:
        return &err_io;
    }
}

static void stop_reading(struct conn *c)
{
    if (c->reading)
        uv_read_stop(handle_of(c));
    c->reading = false;
}

// Notes the first failure; the task tells the user. Nobody is told about a connection that is being
// finished.
static void note_failure(struct conn *c, err_t why)
{
    struct conn_impl *m = impl_of(c);
    if (c->closing)
        return;
    if (c->finishing) {
        conn_close(c);
        return;
    }
    if (!m->why)
        m->why = why;
    loop_defer(c->loop, &c->resume);
}

void conn_fail(struct conn *c, err_t why)
{
    impl_of(c)->fin = true;
    stop_reading(c);
    note_failure(c, why);
}

// Reading goes on after a write failed: see salvage().
static void write_failed(struct conn *c, int status)
{
    c->broken = true;
    note_failure(c, conn_error(status));
}

static void progress(struct conn *c)
{
    if (c->rearm && c->timer.deadline > 0)
        wheel_touch(&c->timer, c->loop->now + c->timeout);
}

void conn_set_timeout(struct conn *c, uint64_t ms, bool rearm)
{
    if (c->closing || c->finishing)
        return;
    c->timeout = ms;
    c->rearm = rearm;
    if (ms > 0)
        loop_timer(c->loop, &c->timer, ms);
    else
        loop_timer_clear(c->loop, &c->timer);
}

// libuv reports a write when all of it is done; a slow peer that takes some of it now and then is
// alive.
static bool moved_meanwhile(struct conn *c)
{
    struct conn_impl *m = impl_of(c);
    const size_t queued = uv_stream_get_write_queue_size(handle_of(c));
    const bool moved = c->writing && c->rearm && queued != m->queued;
    m->queued = queued;
    return moved;
}

static void on_timeout(struct timer *t)
{
    struct conn *c = container_of(t, struct conn, timer);
    if (moved_meanwhile(c)) {
        loop_timer(c->loop, t, c->timeout);
    } else if (c->finishing) {
        conn_close(c);
    } else {
        impl_of(c)->urgent = true;
        note_failure(c, c->pending.len > 0 ? &err_write_timeout : &err_read_timeout);
    }
}

// -- reading --------------------------------------------------------------------------------------

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    const struct conn *c = handle->data;
    *out = uv_buf_init(c->loop->in, LOOP_IN);
}

// Raw bytes, from libuv or from salvage().
static void receive(struct conn *c, const char *p, size_t n)
{
    c->bytes_in += n;
    if (c->finishing)
        return;
    progress(c);
    if (c->filter)
        c->filter->input(c, p, n);
    else
        conn_deliver(c, p, n);
}

static void receive_eof(struct conn *c)
{
    struct conn_impl *m = impl_of(c);
    m->fin = true;
    stop_reading(c);
    if (c->finishing) {
        if (m->shut)
            conn_close(c);
        return;
    }
    if (c->filter)
        c->filter->input_eof(c);
    else
        conn_deliver_eof(c);
}

// libuv reports a hang-up after data as the end of the data, also when it was a reset.
static int hidden_error(struct conn *c)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(impl_of(c)->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return 0;
    return uv_translate_sys_error(error);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct conn *c = conn_of(stream);
    if (c->closing || n == 0)
        return;
    if (n > 0) {
        receive(c, buf->base, (size_t)n);
        return;
    }
    const int error = n == UV_EOF ? hidden_error(c) : (int)n;
    // The kernel reports a reset once: when a write had it, the reader sees a clean end.
    if (error == 0 && !c->broken) {
        receive_eof(c);
    } else {
        c->broken = true;
        conn_fail(c, conn_error(error));
    }
}

// Reads if there is a reason to: somebody wants the bytes, or there is room to hold them.
static void update_reading(struct conn *c)
{
    const struct conn_impl *m = impl_of(c);
    const bool wanted = m->started && !m->fin && !c->closing &&
                        (c->finishing || c->held.len <= HELD_MAX);
    if (wanted == c->reading)
        return;
    if (!wanted) {
        stop_reading(c);
        return;
    }
    const int status = uv_read_start(handle_of(c), on_alloc, on_read);
    if (status == 0)
        c->reading = true;
    else
        conn_fail(c, conn_error(status));
}

void conn_start(struct conn *c)
{
    if (c->closing)
        return;
    impl_of(c)->started = true;
    update_reading(c);
}

// -- delivering -----------------------------------------------------------------------------------

static bool deaf(const struct conn *c)
{
    return c->closing || c->finishing || ((const struct conn_impl *)c)->told;
}

static void hold(struct conn *c, const char *p, size_t n)
{
    buf_append(&c->held, p, n);
    update_reading(c);
}

void conn_deliver(struct conn *c, const char *p, size_t n)
{
    if (deaf(c) || n == 0)
        return;
    if (c->paused || c->held.len > 0) {
        hold(c, p, n);
        return;
    }
    const size_t taken = c->user->data(c, p, n);
    assert(taken <= n);
    if (taken == n || deaf(c))
        return;
    c->paused = true;
    hold(c, p + taken, n - taken);
}

static void offer_held(struct conn *c)
{
    while (!c->paused && c->held.len > 0 && !deaf(c)) {
        const struct str front = buf_front(&c->held);
        const size_t taken = c->user->data(c, front.p, front.n);
        assert(taken <= front.n);
        if (taken < front.n)
            c->paused = true;
        buf_consume(&c->held, taken);
    }
}

static void tell_eof(struct conn *c)
{
    if (deaf(c) || !c->eof || c->eof_told || c->held.len > 0)
        return;
    c->eof_told = true;
    c->user->eof(c);
}

void conn_deliver_eof(struct conn *c)
{
    c->eof = true;
    tell_eof(c);
}

// What the kernel still has, after writing failed: a peer that answers early and closes resets what
// we were sending, but its answer may be here already.
static void salvage(struct conn *c)
{
    while (c->reading && !deaf(c)) {
        const ssize_t n = recv(impl_of(c)->fd, c->loop->in, LOOP_IN, MSG_DONTWAIT);
        if (n <= 0)
            return;
        receive(c, c->loop->in, (size_t)n);
    }
}

static void tell_failure(struct conn *c)
{
    struct conn_impl *m = impl_of(c);
    if (deaf(c) || !m->why)
        return;
    // Bytes that came before the failure go first, unless the user waits for what will not happen
    // any more.
    if (c->held.len > 0 && !m->urgent && !c->congested)
        return;
    m->told = true;
    stop_reading(c);
    loop_timer_clear(c->loop, &c->timer);
    c->user->failed(c, m->why);
}

// The task: everything that is due to the user and was not told on the spot.
static void settle(struct task *t)
{
    struct conn *c = container_of(t, struct conn, resume);
    offer_held(c);
    if (!deaf(c))
        update_reading(c);
    if (c->broken)
        salvage(c);
    tell_eof(c);
    tell_failure(c);
}

void conn_pause(struct conn *c)
{
    c->paused = true;
}

void conn_resume(struct conn *c)
{
    if (!c->paused)
        return;
    c->paused = false;
    if (c->held.len > 0 && !c->closing)
        loop_defer(c->loop, &c->resume);
}

// -- writing --------------------------------------------------------------------------------------

static void start_write(struct conn *c);
static void shut_down(struct conn *c);

static void on_written(uv_write_t *req, int status)
{
    struct conn *c = conn_of(req->handle);
    struct conn_impl *m = impl_of(c);
    c->writing = false;
    if (c->closing)
        return;
    if (status != 0) {
        write_failed(c, status);
        return;
    }
    c->bytes_out += m->in_flight;
    buf_consume(&c->pending, m->in_flight);
    if (c->finishing && c->pending.len == 0) {
        shut_down(c);
        return;
    }
    progress(c);
    start_write(c);
    if (c->congested && c->pending.len < CONN_LOW) {
        c->congested = false;
        if (!deaf(c))
            c->user->drained(c);
    }
}

static void start_write(struct conn *c)
{
    struct conn_impl *m = impl_of(c);
    struct iovec iov[WRITE_SLICES];
    uv_buf_t bufs[WRITE_SLICES];
    if (c->writing || c->broken || c->pending.len == 0)
        return;
    const int count = buf_iov(&c->pending, iov, WRITE_SLICES);
    m->in_flight = 0;
    for (int i = 0; i < count; i++) {
        bufs[i] = uv_buf_init(iov[i].iov_base, (unsigned)iov[i].iov_len);
        m->in_flight += iov[i].iov_len;
    }
    const int status = uv_write(&m->write, handle_of(c), bufs, (unsigned)count, on_written);
    if (status != 0) {
        write_failed(c, status);
        return;
    }
    c->writing = true;
    m->queued = uv_stream_get_write_queue_size(handle_of(c));
}

// What the kernel takes at once; 0 when it takes nothing now, a negative libuv error. It goes
// through send(2) rather than uv_try_write(), whose write(2) goes by way of the file layer: four
// such calls make up most of what a small request costs.
static ssize_t send_now(struct conn *c, const uv_buf_t *bufs, unsigned count)
{
    const int fd = impl_of(c)->fd, flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)bufs, .msg_iovlen = count };
    ssize_t n;
    do
        n = count == 1 ? send(fd, bufs->base, bufs->len, flags) : sendmsg(fd, &message, flags);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == ENOBUFS ? 0 : uv_translate_sys_error(errno);
}

// Sends to the kernel what it takes at once, and queues the rest.
static void send_out(struct conn *c, const uv_buf_t *bufs, unsigned count)
{
    size_t sent = 0;
    if (c->pending.len == 0) {
        const ssize_t taken = send_now(c, bufs, count);
        if (taken < 0) {
            write_failed(c, (int)taken);
            return;
        }
        if (taken > 0) {
            sent = (size_t)taken;
            c->bytes_out += sent;
            progress(c);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        const size_t skip = sent < bufs[i].len ? sent : bufs[i].len;
        buf_append(&c->pending, bufs[i].base + skip, bufs[i].len - skip);
        sent -= skip;
    }
    if (c->pending.len > CONN_HIGH)
        c->congested = true;
    start_write(c);
}

static void send_joined(struct task *t)
{
    struct conn_impl *m = container_of(t, struct conn_impl, send);
    struct conn *c = &m->conn;
    list_remove(&t->node);
    const struct str all = buf_front(&c->joined);   // which fits into a chunk
    const uv_buf_t one = uv_buf_init((char *)(uintptr_t)all.p, (unsigned)all.n);
    if (all.n > 0 && !c->broken)
        send_out(c, &one, 1);
    buf_clear(&c->joined);
}

void conn_flush(struct conn *c)
{
    send_joined(&impl_of(c)->send);
}

// Whether these bytes can wait for the end of the turn. Where others are under way already, nothing
// is gained.
static bool can_join(const struct conn *c, size_t n)
{
    return !c->finishing && c->pending.len == 0 && c->joined.len + n <= JOINED_MAX;
}

static void write_out(struct conn *c, const uv_buf_t *bufs, unsigned count)
{
    struct conn_impl *m = impl_of(c);
    size_t n = 0;
    if (c->closing || c->broken || m->shut)
        return;
    for (unsigned i = 0; i < count; i++)
        n += bufs[i].len;
    if (!can_join(c, n)) {
        conn_flush(c);
        send_out(c, bufs, count);
        return;
    }
    for (unsigned i = 0; i < count; i++)
        buf_append(&c->joined, bufs[i].base, bufs[i].len);
    loop_batch(c->loop, &m->send);
}

static void write_plain(struct conn *c, const struct str *v, int count)
{
    enum { BATCH = 16 };
    uv_buf_t bufs[BATCH];
    unsigned n = 0;
    for (int i = 0; i < count; i++) {
        if (v[i].n > 0)
            bufs[n++] = uv_buf_init((char *)v[i].p, (unsigned)v[i].n);
        if (n == BATCH || (n > 0 && i == count - 1)) {
            write_out(c, bufs, n);
            n = 0;
        }
    }
}

void conn_write(struct conn *c, const struct str *v, int count)
{
    if (c->closing || c->finishing || c->broken)
        return;
    if (!c->filter) {
        write_plain(c, v, count);
        return;
    }
    const err_t err = c->filter->output(c, v, count);
    if (err)
        conn_fail(c, err);
}

void conn_write_raw(struct conn *c, const char *p, size_t n)
{
    write_plain(c, &(struct str){ p, n }, 1);
}

// -- ending ---------------------------------------------------------------------------------------

static void on_closed(uv_handle_t *handle)
{
    struct conn *c = conn_of(handle);
    if (c->filter)
        c->filter->done(c, c->state);
    buf_clear(&c->joined);
    buf_clear(&c->pending);
    buf_clear(&c->held);
    c->loop->conns--;
    if (c->finishing)
        c->loop->finishing--;
    free(impl_of(c));
}

void conn_close(struct conn *c)
{
    if (c->closing)
        return;
    conn_flush(c);
    c->closing = true;
    c->reading = false;
    loop_timer_clear(c->loop, &c->timer);
    list_remove(&c->resume.node);
    uv_close(handle_of(c), on_closed);
}

// All is written: says so to the peer, and waits for it to say the same.
static void shut_down(struct conn *c)
{
    struct conn_impl *m = impl_of(c);
    m->shut = true;
    const bool wait = !m->fin && m->linger > 0;
    if (!wait || shutdown(m->fd, SHUT_WR) != 0) {
        conn_close(c);
        return;
    }
    c->rearm = false;
    loop_timer(c->loop, &c->timer, m->linger);
}

void conn_finish(struct conn *c, uint64_t linger)
{
    struct conn_impl *m = impl_of(c);
    if (c->closing || c->finishing)
        return;
    conn_flush(c);
    if (c->broken) {
        conn_close(c);
        return;
    }
    c->finishing = true;
    c->loop->finishing++;
    m->linger = linger;
    list_remove(&c->resume.node);
    if (c->filter)
        c->filter->goodbye(c);
    // Also while output is pending: a peer that waits for us to read would never read what we sent.
    m->started = true;
    update_reading(c);
    if (c->closing)
        return;
    if (c->pending.len == 0) {
        shut_down(c);
        return;
    }
    if (c->timeout == 0)
        c->timeout = FLUSH_TIMEOUT;
    c->rearm = true;
    loop_timer(c->loop, &c->timer, c->timeout);
}
