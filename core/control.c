// control.c - the control thread: start, publish, reload, drain, stop.

#include "control.h"

#include "base/counter.h"
#include "base/log.h"
#include "base/mem.h"
#include "supervisor.h"
#include "tls/libctx.h"
#include "vm/abi.h"
#include "vm/vm.h"
#include "watchdog.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct control {
    struct watchdog watchdog;
    struct loop *loop;
    struct vm *vm;
    struct worker **workers;
    unsigned worker_count;
    struct snapshot *current;       // in force, or on its way to the workers
    int64_t serial;
    unsigned waiting; // workers that have not answered yet, of all publications under way
    bool failed;                    // one of them could not adopt
    int ready_fd;                   // -1 once it was told
    unsigned draining;              // workers that still have clients
    int status;
};

// weir_counters() is called by any worker's VM and has no handle.
static struct control *the_control;

// -- publishing -----------------------------------------------------------------------------------

static void say_ready(struct control *c)
{
    if (c->ready_fd < 0)
        return;
    if (write(c->ready_fd, "1", 1) != 1)
        log_write(LOG_CRIT, 0, "cannot tell the supervisor that the gateway is ready");
    close(c->ready_fd);
    c->ready_fd = -1;
    log_write(LOG_NOTICE, 0, "ready: %u worker%s, TLS client context: %s", c->worker_count,
              c->worker_count == 1 ? "" : "s", libctx_describe());
}

static void adopted(void *arg, char *why)
{
    struct control *c = arg;
    if (why) {
        log_write(LOG_CRIT, 0, "a worker cannot use the configuration and keeps the one before: %s",
                  why);
        free(why);
        c->failed = true;
    }
    if (--c->waiting > 0)
        return;
    if (c->failed) {
        c->failed = false;
        if (c->ready_fd >= 0) {
            c->status = 1;
            loop_stop(c->loop);
        }
        return;
    }
    log_write(LOG_NOTICE, 0, "configuration applied: serial %lld, hash %.*s",
              (long long)c->current->serial, STR_ARG(c->current->hash));
    say_ready(c);
}

// Called by the control VM in the middle of control.start() or reload(); takes over the reference.
static int64_t publish(void *arg, struct snapshot *s)
{
    struct control *c = arg;
    s->serial = ++c->serial;
    snapshot_unref(c->current);
    c->current = s;
    c->waiting += c->worker_count;
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_adopt(c->workers[i], s, c->loop, adopted, c);
    return s->serial;
}

// -- loading --------------------------------------------------------------------------------------

// Signals are heard between loads alone, and a load may take for ever (a file that is a pipe). That
// is the supervisor's to end; without one there is nobody who would.
static bool load(struct control *c, const char *function, struct str argument, char **answer)
{
    supervisor_loss_sends(SIGKILL);
    const bool ok = vm_call(c->vm, function, argument, answer);
    supervisor_loss_sends(SIGTERM);
    return ok;
}

// -- signals --------------------------------------------------------------------------------------

static void drained(void *arg)
{
    struct control *c = arg;
    if (--c->draining == 0)
        loop_stop(c->loop);
}

static void drain(struct control *c)
{
    if (c->draining > 0)
        return;
    log_write(LOG_NOTICE, 0, "draining: requests under way are finished, then the gateway stops");
    c->draining = c->worker_count;
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_drain(c->workers[i], c->loop, drained, c);
}

static void reload(struct control *c)
{
    char *answer = NULL;
    log_write(LOG_NOTICE, 0, "reloading the configuration");
    if (!load(c, "reload", STR_NONE, &answer))
        log_write(LOG_ERR, 0, "reload failed: %s", answer);
    free(answer);
}

static void signalled(void *arg, int signum)
{
    struct control *c = arg;
    switch (signum) {
    case SIGHUP:
        reload(c);
        break;
    case SIGQUIT:
        drain(c);
        break;
    default:
        log_write(LOG_NOTICE, 0, "signal %d: stopping", signum);
        loop_stop(c->loop);
    }
}

// The supervisor starts the process with these blocked: what came before now is handled now.
static bool watch_signals(struct control *c)
{
    const int handled[] = { SIGHUP, SIGTERM, SIGINT, SIGQUIT };
    sigset_t set;
    sigemptyset(&set);
    for (unsigned i = 0; i < ARRAY_LEN(handled); i++) {
        if (loop_on_signal(c->loop, handled[i], signalled, c) != NULL)
            return false;
        sigaddset(&set, handled[i]);
    }
    return pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0;
}

// -- counters -------------------------------------------------------------------------------------

static void add_verdicts(const struct tls_client_stats *tls, struct weir_counters *out)
{
    for (unsigned mode = 0; mode < POLICY_MODES; mode++)
        for (unsigned code = 0; code < VERDICT_CODE_COUNT; code++)
            out->tls_verdicts[mode][code] += counter_read(&tls->verdicts[mode][code]);
}

static void add_worker(const struct worker *w, struct weir_counters *out)
{
    const struct proxy *p = &w->proxy;
    out->connections_accepted += counter_read(&p->counters.accepted);
    out->connections_active += counter_read(&p->counters.active);
    out->connections_reading += counter_read(&p->counters.reading);
    out->connections_writing += counter_read(&p->counters.writing);
    out->requests_total += counter_read(&p->counters.requests);
    out->lua_phases += counter_read(&p->counters.lua_phases);
    out->lua_renewals += counter_read(&w->lua.renewals);
    out->tls_handshakes_full += counter_read(&p->realms.tls.full);
    out->tls_handshakes_resumed += counter_read(&p->realms.tls.resumed);
    out->tls_handshakes_failed += counter_read(&p->realms.tls.failed);
    out->tls_verdict_hits += counter_read(&p->realms.tls.verdict_hits);
    out->tls_reported += counter_read(&p->realms.tls.reported);
    out->tls_ocsp_soft += counter_read(&p->realms.tls.ocsp_soft);
    out->tls_next_good += counter_read(&p->realms.tls.next_good);
    out->tls_next_bad += counter_read(&p->realms.tls.next_bad);
    add_verdicts(&p->realms.tls, out);
    out->tls_handshakes_waiting += counter_read(&p->realms.waiters.waiting);
    out->upstream_connections_opened += counter_read(&p->realms.opened);
    out->upstream_connections_reused += counter_read(&p->realms.reused);
    out->upstream_connections_idle += counter_read(&p->realms.idle);
}

static void fill_counters(struct weir_counters *out)
{
    const struct control *c = the_control;
    *out = (struct weir_counters){ .workers = c->worker_count };
    for (unsigned i = 0; i < c->worker_count; i++)
        add_worker(c->workers[i], out);
    out->worker_stalls = counter_read(&c->watchdog.stalls);
    out->policies = policy_interned();
    out->trust_bundles = trust_interned();
}

static int64_t lua_bytes(int worker)
{
    const struct control *c = the_control;
    if (worker < 0 || (unsigned)worker >= c->worker_count)
        return -1;
    return (int64_t)counter_read(&c->workers[worker]->lua.bytes);
}

// -- life -----------------------------------------------------------------------------------------

static bool start_workers(struct control *c, const struct control_options *o)
{
    c->workers = xcalloc(o->workers, sizeof *c->workers);
    for (unsigned i = 0; i < o->workers; i++) {
        struct worker *w =
            worker_start(i, o->lua_root, o->listens + (size_t)i * o->listen_count, o->listen_count);
        if (!w)
            return false;
        c->workers[c->worker_count++] = w;
    }
    watchdog_start(&c->watchdog, c->loop, c->workers, c->worker_count, o->stall_warning,
                   o->stall_limit, &c->current);
    return true;
}

static bool start_configuration(struct control *c, const struct control_options *o)
{
    char *answer = NULL;
    // A load takes much memory, which is of no use until the next one.
    c->vm = vm_new(o->lua_root, "weir.control", VM_HEAP_MALLOC);
    bool ok = c->vm && load(c, "start", o->blob, &answer);
    if (!ok && answer)
        log_write(LOG_EMERG, 0, "%s", answer);
    free(answer);
    return ok;
}

int control_run(const struct control_options *o, int ready_fd)
{
    struct control c = { .ready_fd = ready_fd };
    the_control = &c;
    c.loop = loop_new();
    libctx_init(true);
    vm_on_publish(publish, &c);
    vm_on_counters(fill_counters);
    vm_on_lua_bytes(lua_bytes);
    if (watch_signals(&c) && start_workers(&c, o) && start_configuration(&c, o))
        loop_run(c.loop);
    else
        c.status = 1;

    watchdog_stop(&c.watchdog);
    // Each one's Lua may ask for the counters of all, so none goes before the last has stopped.
    for (unsigned i = 0; i < c.worker_count; i++)
        worker_stop(c.workers[i]);
    for (unsigned i = 0; i < c.worker_count; i++)
        worker_free(c.workers[i]);
    vm_free(c.vm);
    snapshot_unref(c.current);
    loop_free(c.loop);
    free(c.workers);
    return c.status;
}
