// runtime.c - a worker's VMs: the one in force, and the one that it took the place of.

#include "runtime.h"

#include "base/counter.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/request.h"
#include "proxy/view.h"
#include "vm/vm.h"

#include <stdlib.h>
#include <string.h>

// Between two renewals. A VM that lasted for LASTING is replaced at once; else the pauses become
// longer, so that a worker does not do nothing else.
enum { PAUSE_MIN = 1000, PAUSE_MAX = 16 * 1000, LASTING = 60 * 1000 };     // ms

static void wake(struct timer *due)
{
    (void)due;      // runtime_turn() comes next
}

// -- one VM ---------------------------------------------------------------------------------------

static struct vm *open_vm(const struct runtime *t)
{
    struct vm *vm = vm_new(t->lua_root, "weir.worker", VM_HEAP_OWN);
    if (vm)
        vm_set_worker(vm, t->worker);
    return vm;
}

static void view_gone(struct view *v)
{
    vm_retire(v->plugins, v->snapshot);
}

static char *put_in_force(struct runtime *t, struct vm *vm, struct snapshot *s)
{
    char *why = NULL;
    if (!vm_adopt(vm, s, &why))
        return why;
    char tls_why[TRUST_WHY] = "";
    if (view_adopt(t->proxy, snapshot_ref(s), vm, view_gone, tls_why) == NULL)
        return NULL;
    vm_retire(vm, s);
    return xmemdup0(tls_why, strlen(tls_why));
}

bool runtime_open(struct runtime *t, struct proxy *proxy, const char *lua_root, unsigned worker)
{
    *t = (struct runtime){ .proxy = proxy, .lua_root = lua_root, .worker = (int)worker };
    timer_init(&t->due, wake);
    t->vm = open_vm(t);
    return t->vm != NULL;
}

void runtime_attach(struct runtime *t)
{
    vm_attach(t->vm, t->proxy);
}

char *runtime_adopt(struct runtime *t, struct snapshot *s)
{
    return put_in_force(t, t->vm, s);
}

// -- renewal --------------------------------------------------------------------------------------

static void log_renewal(struct runtime *t)
{
    char *account = NULL;
    vm_call(t->vm, "account", STR_NONE, &account);
    log_write(LOG_ERR, 0,
              "[kong] worker %d begins a new Lua state, since plugins keep too much memory in the "
              "old one: %s",
              t->worker, account ? account : "it cannot be looked into");
    free(account);
}

static bool try_renewal(struct runtime *t)
{
    struct vm *fresh = open_vm(t);
    if (!fresh)
        return false;
    vm_attach(fresh, t->proxy);
    char *why = put_in_force(t, fresh, t->proxy->view->snapshot);
    if (why) {
        log_write(LOG_CRIT, 0, "[kong] worker %d keeps its Lua state, a new one cannot take its "
                  "place: %s", t->worker, why);
        free(why);
        vm_stop(fresh);
        vm_free(fresh);
        return false;
    }
    t->old = t->vm;
    t->vm = fresh;
    vm_relieve(t->old);
    vm_stop(t->old);
    return true;
}

// There is room for one old VM. What still runs in it fails.
static void cut_off(struct runtime *t)
{
    list_each(it, &t->proxy->clients) {
        struct client *c = container_of(it, struct client, node);
        if (c->request && c->request->view->plugins == t->old)
            client_close(c);
    }
}

static void renew(struct runtime *t)
{
    struct loop *loop = t->proxy->loop;
    const uint64_t since = loop->now - t->renewed;
    if (t->renewed > 0 && since < t->pause) {
        if (t->due.deadline == 0)
            loop_timer(loop, &t->due, t->pause - since);
        return;
    }
    if (t->old) {
        cut_off(t);
        return;
    }
    const bool lasted = t->renewed == 0 || since >= LASTING;
    t->pause = lasted ? PAUSE_MIN : t->pause < PAUSE_MAX ? t->pause * 2 : PAUSE_MAX;
    t->renewed = loop->now;
    log_renewal(t);
    if (try_renewal(t))
        counter_add(&t->renewals, 1);
}

static void free_old(struct runtime *t)
{
    vm_stop(t->old);
    vm_free(t->old);
    t->old = NULL;
}

// -- life -----------------------------------------------------------------------------------------

void runtime_turn(struct runtime *t)
{
    size_t bytes = vm_collect(t->vm);
    if (t->old && vm_unused(t->old))
        free_old(t);
    if (t->old)
        bytes += vm_collect(t->old);
    __atomic_store_n(&t->bytes, bytes, __ATOMIC_RELAXED);
    if (vm_spent(t->vm) && t->proxy->view && !t->exiting)
        renew(t);
}

void runtime_set_exiting(struct runtime *t)
{
    t->exiting = true;
    vm_set_exiting(t->vm);
    if (t->old)
        vm_set_exiting(t->old);
}

bool runtime_idle(const struct runtime *t)
{
    return vm_idle(t->vm) && (!t->old || vm_idle(t->old));
}

void runtime_stop(struct runtime *t)
{
    loop_timer_clear(t->proxy->loop, &t->due);
    vm_stop(t->vm);
    if (t->old)
        vm_stop(t->old);
}

void runtime_close(struct runtime *t)
{
    vm_free(t->old);
    vm_free(t->vm);
}
