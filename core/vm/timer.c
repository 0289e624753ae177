// timer.c - functions that run later, outside of every request: what lua/weir/ngx/timer.lua is made
// of.
//
// Each run has a scope of its own, so it may wait; the worker's drain runs what is pending at once.

#include "base/mem.h"
#include "vm/link.h"
#include "vm/state.h"

#include <lauxlib.h>
#include <stdlib.h>

// One that is pending.
struct run_later {
    struct vm *vm;
    struct list node;       // in vm->timers
    struct alarm *alarm;
    int function;           // registry reference
};

static void drop(struct run_later *t)
{
    list_remove(&t->node);
    t->vm->timers_pending--;
    free(t);
}

void timer_over(struct scope *s)
{
    s->vm->timers_running--;
    scope_give(s);
}

// Calls function(premature).
static void run(struct run_later *t, bool premature)
{
    struct vm *vm = t->vm;
    const int function = t->function;
    drop(t);
    struct scope *s = scope_take(vm, NULL);
    struct coroutine *c = coroutine_take(s);
    list_push_tail(&vm->runs, &s->node);
    vm->timers_running++;
    lua_rawgeti(c->L, LUA_REGISTRYINDEX, function);
    luaL_unref(c->L, LUA_REGISTRYINDEX, function);
    lua_pushboolean(c->L, premature);
    lua_pushinteger(c->L, s->slot);
    if (scope_enter(c, 2) != HOOK_WAIT)
        timer_over(s);
}

static void due(void *arg)
{
    run(arg, false);
}

// after(seconds, function): function(premature, slot) runs then, or earlier and with true when the
// worker drains
static int timer_after(lua_State *L)
{
    struct vm *vm = turn.vm;
    struct loop *loop = wait_loop(vm);
    const lua_Number seconds = luaL_checknumber(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (!loop)
        return luaL_error(L, "only workers have timers");
    struct run_later *t = xcalloc(1, sizeof *t);
    t->vm = vm;
    lua_settop(L, 2);
    t->function = luaL_ref(L, LUA_REGISTRYINDEX);
    t->alarm = alarm_set(loop, (uint64_t)(seconds * 1000), due, t);
    list_push_tail(&vm->timers, &t->node);
    vm->timers_pending++;
    return 0;
}

// timers() -> how many are pending, how many run
static int timer_counts(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)turn.vm->timers_pending);
    lua_pushinteger(L, (lua_Integer)turn.vm->timers_running);
    return 2;
}

void vm_set_exiting(struct vm *vm)
{
    vm->exiting = true;
    // Those that the functions themselves set are not premature: they have their time, which is
    // none (weir.ngx.timer).
    struct list batch;
    list_init(&batch);
    for (struct list *node; (node = list_first(&vm->timers));) {
        list_remove(node);
        list_push_tail(&batch, node);
    }
    for (struct list *node; (node = list_first(&batch));) {
        struct run_later *t = container_of(node, struct run_later, node);
        alarm_clear(t->alarm);
        run(t, true);
    }
}

bool vm_idle(const struct vm *vm)
{
    return vm->timers_pending == 0 && vm->timers_running == 0;
}

void vm_stop(struct vm *vm)
{
    for (struct list *node; (node = list_first(&vm->timers));) {
        struct run_later *t = container_of(node, struct run_later, node);
        alarm_clear(t->alarm);
        luaL_unref(vm->L, LUA_REGISTRYINDEX, t->function);
        drop(t);
    }
    for (struct list *node; (node = list_first(&vm->runs));)
        timer_over(container_of(node, struct scope, node));
    if (vm->proxy)
        links_done(&vm->pools);
}

const luaL_Reg timer_functions[] = {
    {"after", timer_after},
    {"timers", timer_counts},
    {NULL, NULL},
};
