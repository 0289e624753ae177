// activity.c - what runs on each thread, and the numbers of plugins.

#include "vm/activity.h"

#include "proxy/request.h"

#include <pthread.h>
#include <string.h>

enum { NAMES_MAX = 256, NAME_MAX_LEN = 63 };

// Names are added and never changed: what was read once stays true.
static char names[NAMES_MAX][NAME_MAX_LEN + 1];
static uint32_t name_count;
static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;

static _Thread_local struct activity own;

struct activity *activity_own(void)
{
    return &own;
}

static void store(const struct activity *a)
{
    __atomic_store_n(&own.plugin, a->plugin, __ATOMIC_RELAXED);
    __atomic_store_n(&own.phase, a->phase, __ATOMIC_RELAXED);
    __atomic_store_n(&own.plan, a->plan, __ATOMIC_RELAXED);
    __atomic_store_n(&own.serial, a->serial, __ATOMIC_RELAXED);
}

struct activity activity_enter(uint32_t phase, const struct request *r)
{
    const struct activity before = own;
    store(&(struct activity){
        .phase = phase + 1,
        .plan = r ? r->plan->index : 0,
        .serial = r ? r->view->snapshot->serial : 0,
    });
    return before;
}

void activity_leave(struct activity before)
{
    store(&before);
}

struct activity activity_read(const struct activity *a)
{
    return (struct activity){
        .plugin = __atomic_load_n(&a->plugin, __ATOMIC_RELAXED),
        .phase = __atomic_load_n(&a->phase, __ATOMIC_RELAXED),
        .plan = __atomic_load_n(&a->plan, __ATOMIC_RELAXED),
        .serial = __atomic_load_n(&a->serial, __ATOMIC_RELAXED),
    };
}

static uint32_t find_or_add(struct str name)
{
    for (uint32_t i = 0; i < name_count; i++)
        if (str_eq(str_from(names[i]), name))
            return i + 1;
    if (name_count == NAMES_MAX)
        return 0;
    memcpy(names[name_count], name.p, name.n);
    return ++name_count;
}

uint32_t activity_mark(struct str name)
{
    pthread_mutex_lock(&names_lock);
    const uint32_t mark = find_or_add(str_sub(name, 0, NAME_MAX_LEN));
    pthread_mutex_unlock(&names_lock);
    return mark;
}

struct str activity_name(uint32_t mark)
{
    pthread_mutex_lock(&names_lock);
    const bool known = mark > 0 && mark <= name_count;
    pthread_mutex_unlock(&names_lock);
    return known ? str_from(names[mark - 1]) : STR("");
}
