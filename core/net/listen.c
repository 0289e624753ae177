// listen.c - binding, and accepting by hand rather than through uv_listen().
//
// Out of descriptors, libuv accepts and closes what waits, without a word to anybody. Here the
// clients stay in the backlog, and the log says why.

#include "net/listen.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DEFAULT_BACKLOG = 16384,
    ACCEPT_BATCH = 16,      // connections accepted before others get their turn
    RETRY_AFTER = 100,      // ms
    COMPLAIN_EVERY = 1000,  // ms
    DEFER_SECONDS = 1,
};

// -- binding --------------------------------------------------------------------------------------

static bool set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// The name of the step that failed, or NULL.
static const char *set_up(int fd, const struct addr *a, const struct listen_options *o)
{
    if (!set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1))
        return "SO_REUSEADDR";
    if (o->reuseport && !set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1))
        return "SO_REUSEPORT";
    if (a->sa.any.sa_family == AF_INET6 && o->ipv6only >= 0 &&
        !set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, o->ipv6only))
        return "IPV6_V6ONLY";
    if (o->keepalive >= 0 && !set_int(fd, SOL_SOCKET, SO_KEEPALIVE, o->keepalive))
        return "SO_KEEPALIVE";
    if (bind(fd, &a->sa.any, a->len) != 0)
        return "bind()";
    if (o->deferred && !set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, DEFER_SECONDS))
        return "TCP_DEFER_ACCEPT";
    if (listen(fd, o->backlog > 0 ? o->backlog : DEFAULT_BACKLOG) != 0)
        return "listen()";
    return NULL;
}

static err_t bind_error(int error)
{
    switch (error) {
    case EMFILE:
    case ENFILE:
        return &err_descriptors;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EINVAL:
        return &err_address;
    default:
        return &err_io;
    }
}

err_t listen_bind(const struct addr *a, const struct listen_options *o, int *fd, char *why,
                  size_t len)
{
    const char *step = "socket()";
    *fd = socket(a->sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd >= 0 && !(step = set_up(*fd, a, o)))
        return NULL;
    const int error = errno;
    char text[ADDR_TEXT];
    addr_format(a, text);
    snprintf(why, len, "%s to %s failed (%d: %s)", step, text, error, strerrordesc_np(error));
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return bind_error(error);
}

void listen_local(int fd, struct addr *out)
{
    *out = (struct addr){ .len = sizeof out->sa };
    if (getsockname(fd, &out->sa.any, &out->len) != 0)
        out->len = 0;
}

void listen_refuse(int fd)
{
    shutdown(fd, SHUT_RDWR);    // close() would end TCP_LISTEN for the last holder only
}

// -- accepting ------------------------------------------------------------------------------------

static void complain(struct listener *l, int error)
{
    if (l->loop->now < l->complain_at)
        return;
    l->complain_at = l->loop->now + COMPLAIN_EVERY;
    log_write(LOG_CRIT, 0, "accept4() failed (%d: %s), connections wait", error,
              strerrordesc_np(error));
}

// Without descriptors the socket would stay readable and the loop spin: looks away for a while.
static void look_away(struct listener *l, int error)
{
    complain(l, error);
    loop_rewatch(l->watch, 0);
    loop_timer(l->loop, &l->retry, RETRY_AFTER);
}

// Errors of the connection that would have been accepted, not of accepting.
static bool is_of_peer(int error)
{
    switch (error) {
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
    case ENETDOWN:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ETIMEDOUT:
        return true;
    default:
        return false;
    }
}

// Returns whether more may wait.
static bool accept_one(struct listener *l)
{
    const int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        struct conn *c = conn_from_fd(l->loop, fd);
        if (c)
            l->accepted(l, c);
        return true;
    }
    if (errno == EAGAIN)
        return false;
    if (is_of_peer(errno))
        return true;
    look_away(l, errno);
    return false;
}

static void on_readable(void *arg, int fd, int events)
{
    struct listener *l = arg;
    (void)fd;
    (void)events;
    l->accepting = true;
    for (int i = 0; i < ACCEPT_BATCH && !l->closing && accept_one(l); i++)
        continue;
    l->accepting = false;
    if (l->closing)
        free(l);
}

static void on_retry(struct timer *t)
{
    struct listener *l = container_of(t, struct listener, retry);
    loop_rewatch(l->watch, WATCH_READ);
}

struct listener *listener_open(struct loop *l, int fd,
                               void (*accepted)(struct listener *, struct conn *), void *owner)
{
    const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return NULL;
    struct listener *listener = xcalloc(1, sizeof *listener);
    listener->watch = loop_watch(l, own, WATCH_READ, on_readable, listener);
    if (!listener->watch) {
        close(own);
        free(listener);
        return NULL;
    }
    listener->loop = l;
    listener->fd = own;
    listener->accepted = accepted;
    listener->owner = owner;
    timer_init(&listener->retry, on_retry);
    listen_local(own, &listener->local);
    return listener;
}

void listener_close(struct listener *l)
{
    loop_timer_clear(l->loop, &l->retry);
    loop_unwatch(l->watch);
    close(l->fd);
    l->closing = true;
    if (!l->accepting)
        free(l);
}
