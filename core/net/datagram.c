// datagram.c - connected datagram sockets.

#include "net/datagram.h"

#include "base/mem.h"
#include "net/conn_uv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

struct datagram {
    int fd;
    struct watch *watch;
    void (*readable)(void *arg);
    void *arg;
};

static err_t last_error(void)
{
    return errno == ENOENT ? &err_no_file : conn_error(-errno);
}

static void on_ready(void *arg, int fd, int events)
{
    (void)fd, (void)events;
    struct datagram *d = arg;
    d->readable(d->arg);
}

static bool connect_inet(int fd, const struct addr *to)
{
    return connect(fd, &to->sa.any, to->len) == 0;
}

// Linux gives it a name of its own, so that the peer can answer.
static bool connect_unix(int fd, struct str path)
{
    struct sockaddr_un own = { .sun_family = AF_UNIX }, to = { .sun_family = AF_UNIX };
    memcpy(to.sun_path, path.p, path.n);
    return bind(fd, (struct sockaddr *)&own, sizeof own.sun_family) == 0
        && connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
}

err_t datagram_open(struct loop *l, const struct addr *to, struct str path,
                    void (*readable)(void *arg), void *arg, struct datagram **out)
{
    struct sockaddr_un limit;
    if (path.n >= sizeof limit.sun_path || (path.n == 0 && !to))
        return &err_address;
    const int family = path.n > 0 ? AF_UNIX : to->sa.any.sa_family;
    const int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return last_error();
    if (path.n > 0 ? !connect_unix(fd, path) : !connect_inet(fd, to)) {
        err_t err = last_error();
        close(fd);
        return err;
    }
    struct datagram *d = xcalloc(1, sizeof *d);
    *d = (struct datagram){ .fd = fd, .readable = readable, .arg = arg };
    d->watch = loop_watch(l, fd, 0, on_ready, d);
    if (!d->watch) {
        close(fd);
        free(d);
        return &err_io;
    }
    *out = d;
    return NULL;
}

void datagram_close(struct datagram *d)
{
    loop_unwatch(d->watch);
    close(d->fd);
    free(d);
}

void datagram_listen(struct datagram *d, bool on)
{
    loop_rewatch(d->watch, on ? WATCH_READ : 0);
}

err_t datagram_send(struct datagram *d, struct str bytes)
{
    if (send(d->fd, bytes.p, bytes.n, 0) >= 0 || errno == EAGAIN || errno == ENOBUFS)
        return NULL;
    return last_error();
}

bool datagram_receive(struct datagram *d, char *p, size_t room, size_t *n, err_t *err)
{
    const ssize_t got = recv(d->fd, p, room, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    *err = got < 0 ? last_error() : NULL;
    *n = got < 0 ? 0 : (size_t)got;
    return true;
}
