// dial.c - one attempt to connect.
//
// libuv always calls on_connect() once for an attempt that it took on, also after uv_close(), and
// the request lives in struct dial: so that call frees it, whatever happened before.

#include "net/dial.h"

#include "base/mem.h"
#include "net/conn_uv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

struct dial {
    struct loop *loop;
    struct conn *conn;
    uv_connect_t req;
    struct timer timer;
    struct task task;
    int status;         // of an attempt that failed on the spot
    void (*done)(void *arg, struct conn *c, err_t err);   // NULL: answered or cancelled
    void *arg;
};

static err_t dial_error(int status)
{
    return status == UV_ETIMEDOUT ? &err_connect_timeout : conn_error(status);
}

static void answer(struct dial *d, struct conn *c, err_t err)
{
    void (*done)(void *, struct conn *, err_t) = d->done;
    d->done = NULL;
    loop_timer_clear(d->loop, &d->timer);
    if (err)
        conn_close(d->conn);
    if (done)
        done(d->arg, c, err);
}

static void on_connect(uv_connect_t *req, int status)
{
    struct dial *d = container_of(req, struct dial, req);
    loop_woke(d->loop, uv_now(d->loop->uv));
    if (d->done && status == 0) {
        conn_connected(d->conn);
        answer(d, d->conn, NULL);
    } else if (d->done) {
        answer(d, NULL, dial_error(status));
    }
    free(d);
}

static void on_timeout(struct timer *t)
{
    struct dial *d = container_of(t, struct dial, timer);
    answer(d, NULL, &err_connect_timeout);
}

static void fail_later(struct task *t)
{
    struct dial *d = container_of(t, struct dial, task);
    answer(d, NULL, dial_error(d->status));
    free(d);
}

struct dial *dial_start(struct loop *l, const struct addr *to, uint64_t timeout_ms,
                        void (*done)(void *arg, struct conn *c, err_t err), void *arg)
{
    struct dial *d = xcalloc(1, sizeof *d);
    d->loop = l;
    d->conn = conn_new(l);
    d->done = done;
    d->arg = arg;
    timer_init(&d->timer, on_timeout);
    task_init(&d->task, fail_later);
    d->status = uv_tcp_connect(&d->req, conn_tcp(d->conn), &to->sa.any, on_connect);
    if (d->status != 0)
        loop_defer(l, &d->task);
    else
        loop_timer(l, &d->timer, timeout_ms);
    return d;
}

void dial_cancel(struct dial *d)
{
    d->done = NULL;
    loop_timer_clear(d->loop, &d->timer);
    conn_close(d->conn);
    if (d->status != 0) {
        list_remove(&d->task.node);
        free(d);
    }
}

err_t dial_unix(struct loop *l, struct str path, struct conn **out)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    if (path.n >= sizeof to.sun_path)
        return &err_address;
    memcpy(to.sun_path, path.p, path.n);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return conn_error(-errno);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        const int status = -errno;
        close(fd);
        return status == UV_ENOENT ? &err_no_file : conn_error(status);
    }
    *out = conn_from_fd(l, fd);
    return *out ? NULL : &err_io;
}
