// main.c - from the command line to a running gateway: Lua reads the arguments, then the supervisor
// opens the listening sockets and starts the gateway process on them.

#include "base/log.h"
#include "base/mem.h"
#include "control.h"
#include "net/listen.h"
#include "supervisor.h"
#include "vm/cli.h"
#include "vm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

// sysexits.h: an error occurred while doing I/O.
enum { EXIT_OUTPUT = 74 };

struct gateway {
    struct control_options options;
    char lua_root[PATH_MAX];
};

static int run_gateway(void *arg, int ready_fd)
{
    struct gateway *g = arg;
    return control_run(&g->options, ready_fd);
}

// One socket. An address that somebody else listens on is refused even where SO_REUSEPORT would let
// two gateways share it by accident: the first socket of an address is bound without it.
static bool open_socket(const struct cli_listen *l, struct addr *a, bool shared, int *fd)
{
    char why[128] = "", text[ADDR_TEXT];
    struct listen_options options = {
        .backlog = l->backlog, .reuseport = shared, .deferred = l->deferred,
        .ipv6only = l->ipv6only, .keepalive = l->keepalive,
    };
    err_t err = listen_bind(a, &options, fd, why, sizeof why);
    if (!err)
        return true;
    addr_format(a, text);
    fprintf(stderr, "Error: cannot listen on %s: %s\n", text, why);
    return false;
}

// The sockets of one listener, one for each worker (the Admin API: for the first worker alone).
static bool open_listener(const struct cli_listen *l, struct worker_listen *first, unsigned step,
                          unsigned workers)
{
    struct addr a;
    if (addr_parse(str_from(l->host), l->port, &a) != NULL) {
        fprintf(stderr, "Error: '%s' is no IP address to listen on\n", l->host);
        return false;
    }
    bool shared = !l->admin && workers > 1;
    int probe;
    if (!open_socket(l, &a, false, &probe))
        return false;
    listen_local(probe, &a);
    if (shared)
        close(probe);
    for (unsigned i = 0; i < workers; i++) {
        struct worker_listen *out = &first[(size_t)i * step];
        *out = (struct worker_listen){ .fd = -1, .tls = l->tls, .admin = l->admin };
        if (shared) {
            if (!open_socket(l, &a, true, &out->fd))
                return false;
        } else if (i == 0) {
            out->fd = probe;
        }
    }
    char text[ADDR_TEXT];
    addr_format(&a, text);
    log_write(LOG_NOTICE, 0, "listening on %s%s%s", text, l->tls ? " ssl" : "",
              l->admin ? " (Admin API)" : "");
    return true;
}

static bool open_listeners(const struct cli_action *action, struct control_options *o)
{
    o->listen_count = action->listen_count;
    o->workers = action->workers;
    o->listens = xcalloc((size_t)o->workers * o->listen_count + 1, sizeof *o->listens);
    for (unsigned i = 0; i < action->listen_count; i++)
        if (!open_listener(&action->listens[i], &o->listens[i], o->listen_count, o->workers))
            return false;
    return true;
}

// A gateway needs two descriptors for each request under way; the soft limit of a shell is 1024.
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// A socket that got the number of a standard stream that is closed would get the lines of a log.
static bool hold_standard_streams(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0) {
        fprintf(stderr, "Error: cannot open /dev/null: %s\n", strerror(errno));
        return false;
    }
    close(fd);
    return true;
}

// What a command has said and could not be written was not said: no status of its own holds then.
static int finish_output(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "Error: cannot write to standard output\n");
    return EXIT_OUTPUT;
}

int main(int argc, char **argv)
{
    struct gateway g = { .options = { .lua_root = g.lua_root } };
    if (!hold_standard_streams() || !vm_root(g.lua_root, sizeof g.lua_root))
        return 1;
    struct cli_action action;
    log_setup(LOG_NOTICE, STDERR_FILENO, STDOUT_FILENO);
    cli_run(g.lua_root, argc - 1, argv + 1, &action);
    int code = action.run ? 0 : finish_output(action.code);
    if (action.run) {
        log_setup((enum log_level)action.log_level, STDERR_FILENO,
                  action.access_log ? STDOUT_FILENO : -1);
        g.options.blob = action.blob;
        g.options.stall_warning = action.stall_warning;
        g.options.stall_limit = action.stall_limit;
        raise_descriptor_limit();
        code = open_listeners(&action, &g.options) ? supervisor_run(run_gateway, &g) : 1;
        free(g.options.listens);
    }
    cli_done(&action);
    return code;
}
