// scope.c - coroutines, what they live in, and what becomes of one that stops half-way.
//
// A coroutine goes back to the pool when it ended well; one that waits stays with its scope, and
// one that failed or exited is dropped, since its stack is not empty.

#include "base/mem.h"
#include "proxy/request.h"
#include "vm/abi.h"
#include "vm/activity.h"
#include "vm/state.h"

#include <lauxlib.h>
#include <stdlib.h>

enum { SPARE_COROUTINES = 256 };

// -- coroutines -----------------------------------------------------------------------------------

struct coroutine *coroutine_take(struct scope *s)
{
    struct vm *vm = s->vm;
    struct coroutine *c = vm->spare;
    if (c) {
        vm->spare = c->next;
        vm->spare_count--;
    } else {
        c = xcalloc(1, sizeof *c);
        c->L = lua_newthread(vm->L);
        c->ref = luaL_ref(vm->L, LUA_REGISTRYINDEX);
        list_init(&c->node);
    }
    c->scope = s;
    return c;
}

// Nothing of the scope leads to it any more.
static void detach(struct coroutine *c)
{
    struct scope *s = c->scope;
    if (c->wait)
        c->wait->cancel(c);
    c->wait = NULL;
    thread_forget(s->vm, c);
    list_remove(&c->node);
    if (s->entry == c)
        s->entry = NULL;
    if (s->due == c)
        s->due = NULL;
    if (s->reader == c)
        s->reader = NULL;
    c->scope = NULL;
}

static void coroutine_free(struct vm *vm, struct coroutine *c)
{
    luaL_unref(vm->L, LUA_REGISTRYINDEX, c->ref);
    free(c);
}

void coroutine_drop(struct coroutine *c)
{
    struct vm *vm = c->scope->vm;
    detach(c);
    coroutine_free(vm, c);
}

void coroutine_unalarm(struct coroutine *c)
{
    if (c->alarm)
        alarm_clear(c->alarm);
    c->alarm = NULL;
}

static void coroutine_give(struct coroutine *c)
{
    struct vm *vm = c->scope->vm;
    detach(c);
    if (vm->spare_count >= SPARE_COROUTINES) {
        coroutine_free(vm, c);
        return;
    }
    lua_settop(c->L, 0);
    c->next = vm->spare;
    vm->spare = c;
    vm->spare_count++;
}

// -- scopes ---------------------------------------------------------------------------------------

struct scope *scope_take(struct vm *vm, struct request *request)
{
    struct scope *s = vm->spare_scopes;
    if (s) {
        vm->spare_scopes = s->next;
    } else {
        s = xcalloc(1, sizeof *s);
        s->vm = vm;
        s->slot = ++vm->scopes_made;
        list_init(&s->node);
        list_init(&s->threads);
        list_init(&s->owned);
    }
    s->request = request;
    return s;
}

void weir_keep(void)
{
    if (turn.scope)
        turn.scope->kept = true;
}

void scope_stop(struct scope *s)
{
    for (struct list *node; (node = list_first(&s->threads));)
        coroutine_drop(container_of(node, struct coroutine, node));
    if (s->entry)
        coroutine_drop(s->entry);
    s->exits = false;
}

void scope_give(struct scope *s)
{
    struct vm *vm = s->vm;
    scope_stop(s);
    for (struct list *node; (node = list_first(&s->owned));) {
        struct owned *o = container_of(node, struct owned, node);
        o->release(o);
    }
    if (s->kept)
        state_notify(vm, vm->release, s->slot);
    s->kept = false;
    list_remove(&s->node);
    s->request = NULL;
    s->next = vm->spare_scopes;
    vm->spare_scopes = s;
}

bool scope_idle(const struct scope *s)
{
    return !s->entry && list_empty(&s->threads);
}

// -- running --------------------------------------------------------------------------------------

static bool is_thread(const struct coroutine *c)
{
    return !list_empty(&c->node);
}

// Ends the whole scope with it, or leaves that to those that run beneath.
static enum hook_result exited(struct coroutine *c, const struct coroutine *beneath)
{
    struct scope *s = c->scope;
    coroutine_drop(c);
    if (beneath)
        s->exits = true;
    else
        scope_stop(s);
    return HOOK_EXIT;
}

static enum hook_result ended(struct coroutine *c)
{
    struct scope *s = c->scope;
    const bool failed = !is_thread(c) && lua_toboolean(c->L, 1);
    coroutine_give(c);
    if (failed) {
        scope_stop(s);
        return HOOK_ERROR;
    }
    return scope_idle(s) ? HOOK_DONE : HOOK_WAIT;
}

static enum hook_result yielded(struct coroutine *c)
{
    struct scope *s = c->scope;
    if (c->wait) {
        if (!is_thread(c))
            s->entry = c;
        return HOOK_WAIT;
    }
    const int phase = s->request ? (int)s->request->phase : WEIR_PHASE_TIMER;
    state_notify(s->vm, s->vm->stray_yield, phase);
    coroutine_drop(c);
    scope_stop(s);
    return HOOK_ERROR;
}

// Only what went wrong outside of every handler gets here; a light thread's own errors are results
// of it.
static enum hook_result failed(struct coroutine *c)
{
    struct scope *s = c->scope;
    state_log_error(s->vm, c->L, "weir.worker");
    coroutine_drop(c);
    scope_stop(s);
    return HOOK_ERROR;
}

static enum hook_result outcome(struct coroutine *c, int status, const struct coroutine *beneath)
{
    if (c->exits)
        return exited(c, beneath);
    if (status == 0)
        return ended(c);
    return status == LUA_YIELD ? yielded(c) : failed(c);
}

enum hook_result scope_enter(struct coroutine *c, int arguments)
{
    struct scope *s = c->scope;
    struct vm *vm = s->vm;
    struct turn before = turn;
    const struct weir_turn seen = vm->now;
    struct coroutine *beneath = vm->running;
    turn = (struct turn){ .vm = vm, .request = s->request, .scope = s };
    const uint32_t phase = s->request ? (uint32_t)s->request->phase : WEIR_PHASE_TIMER;
    vm->now.phase = 1u << phase;
    const struct activity elsewhere = activity_enter(phase, s->request);
    vm->running = c;
    c->exits = false;
    const bool bounded = bounds_switch(&vm->bounds, true);
    const int status = lua_resume(c->L, arguments);
    bounds_switch(&vm->bounds, false);
    vm->running = beneath;
    const enum hook_result result = outcome(c, status, beneath);
    if (bounded)
        vm->bounds.on = true; // a plugin's thread: the plugin goes on
    else
        bounds_leave(&vm->bounds, vm->L);
    activity_leave(elsewhere);
    vm->now = seen;
    turn = before;
    return result;
}

enum hook_result scope_resume(struct coroutine *c)
{
    const struct wait *over = c->wait;
    c->wait = NULL;
    return scope_enter(c, over->results(c));
}

void scope_wake(struct coroutine *c)
{
    struct scope *s = c->scope;
    if (s->request) {
        s->due = c;
        request_resume(s->request);
    } else if (scope_resume(c) != HOOK_WAIT) {
        timer_over(s);
    }
}

// -- the VM's -------------------------------------------------------------------------------------

void scopes_init(struct vm *vm)
{
    list_init(&vm->timers);
    list_init(&vm->runs);
    lua_newtable(vm->L);
    vm->numbered = luaL_ref(vm->L, LUA_REGISTRYINDEX);
}

void scopes_done(struct vm *vm)
{
    while (vm->spare) {
        struct coroutine *c = vm->spare;
        vm->spare = c->next;
        coroutine_free(vm, c);
    }
    while (vm->spare_scopes) {
        struct scope *s = vm->spare_scopes;
        vm->spare_scopes = s->next;
        free(s);
    }
}
