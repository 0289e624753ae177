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
    l->now = uv_now(l->uv);
    alarm_clear(a);
    a->fire(a->arg);
}

struct alarm *alarm_set(struct loop *l, uint64_t ms, void (*fire)(void *arg), void *arg)
{
    struct alarm *a = xcalloc(1, sizeof *a);
    a->fire = fire;
    a->arg = arg;
    // Neither can fail: there is a callback, and the handle is not closing.
    int status = uv_timer_init(l->uv, &a->uv);
    a->uv.data = l;
    // libuv counts from when it woke up, which may be a while ago.
    uv_update_time(l->uv);
    status |= uv_timer_start(&a->uv, on_time, ms, 0);
    assert(status == 0);
    (void)status;
    return a;
}
