// alarm.c - libuv's own timers, one each.

#include "net/alarm.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

struct alarm {
    uv_timer_t uv;
    void (*fire)(void *arg);
    void *arg;
};

static void free_alarm(uv_handle_t *handle)
{
    free(container_of(handle, struct alarm, uv));
}

void alarm_clear(struct alarm *a)
{
    uv_close((uv_handle_t *)&a->uv, free_alarm);
}

static void on_time(uv_timer_t *timer)
{
    struct alarm *a = container_of(timer, struct alarm, uv);
    struct loop *l = timer->data;
    loop_woke(l, uv_now(l->uv));
    alarm_clear(a);
    a->fire(a->arg);
}

// What has passed since libuv woke up, which is what it counts from. Its own clock stays as it is:
// it runs the timers that are due by that in one go, those among them, too, that are set meanwhile,
// and it would never come to an end with a plugin that sets another timer each time.
//
// Its clock has whole milliseconds: one that was begun counts, so that no alarm comes too early.
static uint64_t since_awake(const struct loop *l, uint64_t ms)
{
    const uint64_t now = (uv_hrtime() + (ms > 0 ? 999999 : 0)) / 1000000;
    return now > uv_now(l->uv) ? now - uv_now(l->uv) : 0;
}

struct alarm *alarm_set(struct loop *l, uint64_t ms, void (*fire)(void *arg), void *arg)
{
    struct alarm *a = xcalloc(1, sizeof *a);
    a->fire = fire;
    a->arg = arg;
    // Neither can fail: there is a callback, and the handle is not closing.
    int status = uv_timer_init(l->uv, &a->uv);
    a->uv.data = l;
    status |= uv_timer_start(&a->uv, on_time, since_awake(l, ms) + ms, 0);
    assert(status == 0);
    (void)status;
    return a;
}
