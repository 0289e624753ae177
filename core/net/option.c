// option.c - setsockopt() by name.

#include "net/option.h"

#include "net/conn_uv.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <uv.h>

err_t option_set(struct conn *c, struct str name, int value)
{
    static const struct {
        const char *name;
        int level, option;
    } options[] = {
        { "keepalive", SOL_SOCKET, SO_KEEPALIVE },
        { "reuseaddr", SOL_SOCKET, SO_REUSEADDR },
        { "sndbuf", SOL_SOCKET, SO_SNDBUF },
        { "rcvbuf", SOL_SOCKET, SO_RCVBUF },
        { "tcp-nodelay", IPPROTO_TCP, TCP_NODELAY },
    };
    uv_os_fd_t fd;
    if (uv_fileno(conn_tcp(c), &fd) != 0)
        return &err_io;
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (!str_eq(name, str_from(options[i].name)))
            continue;
        const bool set = setsockopt(fd, options[i].level, options[i].option, &value,
                                    sizeof value) == 0;
        return set ? NULL : &err_io;
    }
    return &err_option;
}
