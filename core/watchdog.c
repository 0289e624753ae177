// watchdog.c - stalls of workers: finding them, and what is said of them.

#include "watchdog.h"

#include "base/counter.h"
#include "base/log.h"
#include "base/mem.h"
#include "vm/abi.h"
#include "vm/activity.h"

#include <stdio.h>
#include <stdlib.h>

// A stall is told of when it is between one and five quarters as long as the setting says.
enum { TICKS = 4, PERIOD_MIN = 10 };

enum { DOING = 512 };   // bytes

// -- what it is doing -----------------------------------------------------------------------------

static const char *phase_name(uint32_t phase)
{
    static const char *const names[PHASE_COUNT] = {
        "rewrite", "access", "header_filter", "body_filter", "log", "upstream_verify", "balancer",
        "response", "certificate",
    };
    return phase < PHASE_COUNT ? names[phase] : phase == WEIR_PHASE_TIMER ? "timer" : "no phase";
}

// Of a configuration that is no longer in force nothing can be said: only workers have it.
static void add_route(const struct activity *a, const struct snapshot *s, char *out, size_t len)
{
    if (!s || s->serial != a->serial || a->plan >= s->plan_count)
        return;
    const struct plan *p = s->plans[a->plan];
    const struct str route = p->route_name.n ? p->route_name : p->route_id;
    const struct str service = p->service_name.n ? p->service_name : p->service_host;
    if (route.n > 0)
        snprintf(out, len, ", route '%.*s', service '%.*s'", STR_ARG(route), STR_ARG(service));
}

static void describe(const struct watchdog *d, const struct worker *w, char out[DOING])
{
    const struct activity a = activity_read(w->activity);
    const struct str plugin = activity_name(a.plugin);
    if (a.phase == 0 && plugin.n == 0) {
        snprintf(out, DOING, "no plugin runs");
        return;
    }
    const int n = snprintf(out, DOING, "plugin '%.*s' runs in %s", STR_ARG(plugin),
                           a.phase ? phase_name(a.phase - 1) : "init_worker or configure");
    if (n > 0 && n < DOING)
        add_route(&a, *d->current, out + n, (size_t)(DOING - n));
}

// -- watching -------------------------------------------------------------------------------------

static double seconds(const struct watchdog *d, const struct watched *w)
{
    return w->ticks * d->period / 1000.0;
}

static void tell(struct watchdog *d, struct watched *w)
{
    char doing[DOING];
    describe(d, w->worker, doing);
    w->told = true;
    counter_add(&d->stalls, 1);
    log_write(LOG_ERR, 0, "worker %u has not come back to its loop for %.2f s: %s",
              w->worker->id, seconds(d, w), doing);
}

// What is left of the process could not answer for the connections of this worker.
static _Noreturn void end_process(const struct watchdog *d, const struct watched *w)
{
    char doing[DOING];
    describe(d, w->worker, doing);
    log_write(LOG_ALERT, 0,
              "worker %u has not come back to its loop for %.2f s: the gateway process is ended "
              "(worker_stall_limit); %s",
              w->worker->id, seconds(d, w), doing);
    abort();
}

static void look(struct watchdog *d, struct watched *w)
{
    const struct loop *loop = w->worker->proxy.loop;
    const uint64_t turn = counter_read(&loop->turn);
    if (!loop_awake(loop) || turn != w->turn) {
        if (w->told)
            log_write(LOG_NOTICE, 0, "worker %u came back to its loop after about %.2f s",
                      w->worker->id, seconds(d, w));
        *w = (struct watched){ .worker = w->worker, .turn = turn };
        return;
    }
    w->ticks++;
    const uint64_t lasts = (uint64_t)w->ticks * d->period;
    if (d->warning > 0 && lasts >= d->warning && !w->told)
        tell(d, w);
    if (d->limit > 0 && lasts >= d->limit)
        end_process(d, w);
}

static void tick(struct timer *t)
{
    struct watchdog *d = container_of(t, struct watchdog, timer);
    for (unsigned i = 0; i < d->count; i++)
        look(d, &d->workers[i]);
    loop_timer(d->loop, &d->timer, d->period);
}

// -- life -----------------------------------------------------------------------------------------

void watchdog_start(struct watchdog *d, struct loop *loop, struct worker *const *workers,
                    unsigned count, uint32_t warning, uint32_t limit,
                    struct snapshot *const *current)
{
    const uint32_t least = warning > 0 && (limit == 0 || warning < limit) ? warning : limit;
    *d = (struct watchdog){
        .loop = loop, .warning = warning, .limit = limit, .count = count, .current = current,
        .period = least / TICKS > PERIOD_MIN ? least / TICKS : PERIOD_MIN,
        .workers = xcalloc(count, sizeof *d->workers),
    };
    for (unsigned i = 0; i < count; i++)
        d->workers[i].worker = workers[i];
    timer_init(&d->timer, tick);
    if (least > 0)
        loop_timer(loop, &d->timer, d->period);
}

void watchdog_stop(struct watchdog *d)
{
    if (d->loop)
        loop_timer_clear(d->loop, &d->timer);
    free(d->workers);
}
