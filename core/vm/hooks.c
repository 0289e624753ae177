// hooks.c - running the phases of requests: coroutines, slots, and what becomes of a phase that
// stops half-way.
//
// A phase runs on a coroutine from the pool, so that it can wait. It goes back when the phase ended
// well; one that waits stays with its request, and one that failed or exited is dropped, since its
// stack is not empty.

#include "base/counter.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/request.h"
#include "vm/state.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

enum { SPARE_COROUTINES = 256 };

static const char *const phase_names[PHASE_COUNT] = {
    "rewrite", "access", "header_filter", "body_filter", "log", "upstream_verify",
    "balancer", "response",
};

// -- coroutines -----------------------------------------------------------------------------------

static struct coroutine *coroutine_take(struct vm *vm)
{
    struct coroutine *c = vm->spare;
    if (c) {
        vm->spare = c->next;
        vm->spare_count--;
        return c;
    }
    c = xcalloc(1, sizeof *c);
    c->L = lua_newthread(vm->L);
    c->ref = luaL_ref(vm->L, LUA_REGISTRYINDEX);
    return c;
}

static void coroutine_drop(struct vm *vm, struct coroutine *c)
{
    wait_cancel(c);
    luaL_unref(vm->L, LUA_REGISTRYINDEX, c->ref);
    free(c);
}

static void coroutine_give(struct vm *vm, struct coroutine *c)
{
    if (vm->spare_count >= SPARE_COROUTINES) {
        coroutine_drop(vm, c);
        return;
    }
    lua_settop(c->L, 0);
    c->next = vm->spare;
    vm->spare = c;
    vm->spare_count++;
}

// -- slots ----------------------------------------------------------------------------------------

// A request's place in the VM, from 1: small numbers, so that Lua keeps what belongs to requests in
// an array.
static int slot_take(struct vm *vm)
{
    if (vm->slots_free > 0)
        return vm->slots[--vm->slots_free];
    vm->slots_made++;
    vm->slots = xrealloc(vm->slots, vm->slots_made * sizeof *vm->slots);
    return (int)vm->slots_made;
}

static void slot_give(struct vm *vm, int slot)
{
    vm->slots[vm->slots_free++] = slot;
}

// -- a phase --------------------------------------------------------------------------------------

// Calls a function of the module that only tidies up or logs.
static void notify(struct vm *vm, int function, int argument)
{
    lua_State *L = vm->L;
    struct turn before = turn;
    turn = (struct turn){ .vm = vm, .request = before.request };
    lua_rawgeti(L, LUA_REGISTRYINDEX, function);
    lua_pushinteger(L, argument);
    if (lua_pcall(L, 1, 0, 0) != 0)
        state_log_error(vm, L, "weir.worker");
    lua_settop(L, 0);
    turn = before;
}

// The phase yielded.
static enum hook_result suspended(struct vm *vm, struct coroutine *c, struct request *r)
{
    switch (c->pause) {
    case PAUSE_BODY:
    case PAUSE_SLEEP:
        c->request = r;
        r->vm.co = c;
        r->body_wanted = c->pause == PAUSE_BODY;
        return HOOK_WAIT;
    case PAUSE_EXIT:
        coroutine_drop(vm, c);
        return HOOK_EXIT;
    case PAUSE_NONE:
        break;
    }
    notify(vm, vm->stray_yield, (int)r->phase);
    coroutine_drop(vm, c);
    return HOOK_ERROR;
}

// Resumes the coroutine with what is on its stack. Nothing that Lua can call ends the request, so
// it is still there afterwards.
static enum hook_result enter(struct vm *vm, struct coroutine *c, struct request *r, int arguments)
{
    struct turn before = turn;
    turn = (struct turn){ .vm = vm, .request = r };
    vm->running = c;
    c->pause = PAUSE_NONE;
    r->in_phase = true;
    int status = lua_resume(c->L, arguments);
    enum hook_result result = HOOK_ERROR;
    if (status == 0) {
        if (!lua_toboolean(c->L, 1))
            result = HOOK_DONE;
        coroutine_give(vm, c);
    } else if (status == LUA_YIELD) {
        result = suspended(vm, c, r);
    } else {
        state_log_error(vm, c->L, phase_names[r->phase]);
        coroutine_drop(vm, c);
    }
    r->in_phase = false;
    vm->running = NULL;
    turn = before;
    return result;
}

static void count_entry(const struct request *r)
{
    counter_add(&r->proxy->counters.lua_phases, 1);
}

static enum hook_result run(void *state, struct request *r, enum phase phase)
{
    struct vm *vm = state;
    struct coroutine *c = coroutine_take(vm);
    if (r->vm.slot == 0)
        r->vm.slot = slot_take(vm);
    r->phase = phase;
    count_entry(r);
    lua_State *L = c->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->run);
    lua_pushnumber(L, (lua_Number)r->view->snapshot->serial);
    lua_pushinteger(L, phase);
    lua_pushinteger(L, (lua_Integer)r->plan->index);
    lua_pushinteger(L, r->vm.slot);
    return enter(vm, c, r, 4);
}

static enum hook_result resume(void *state, struct request *r)
{
    struct vm *vm = state;
    struct coroutine *c = r->vm.co;
    r->vm.co = NULL;
    r->body_wanted = false;
    return enter(vm, c, r, wait_results(c));
}

// Calls the module's judge(), which gives true or what is to be said. Not on a coroutine: there is
// nothing that could wait.
static bool call_judge(struct vm *vm, const struct request *r, char said[VERDICT_SAID])
{
    lua_State *L = vm->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->judge);
    lua_pushnumber(L, (lua_Number)r->view->snapshot->serial);
    lua_pushinteger(L, (lua_Integer)r->plan->index);
    const char *text = "the plugins could not be asked";
    bool accepts = false;
    if (lua_pcall(L, 2, 1, 0) != 0)
        state_log_error(vm, L, phase_names[PHASE_UPSTREAM_VERIFY]);
    else if (lua_type(L, -1) == LUA_TSTRING)
        text = lua_tostring(L, -1);
    else
        accepts = lua_isboolean(L, -1) && lua_toboolean(L, -1);
    snprintf(said, VERDICT_SAID, "%s", text);
    lua_settop(L, 0);
    return accepts;
}

// The request waits meanwhile, in a phase of its own or in none, which is put back.
static bool judge(void *state, struct request *r, const struct shown *p,
                  char said[VERDICT_SAID])
{
    struct vm *vm = state;
    struct turn before = turn;
    const enum phase waiting_in = r->phase;
    turn = (struct turn){ vm, r, p };
    r->phase = PHASE_UPSTREAM_VERIFY;
    count_entry(r);
    const bool accepts = call_judge(vm, r, said);
    r->phase = waiting_in;
    turn = before;
    return accepts;
}

static void release(void *state, struct request *r)
{
    struct vm *vm = state;
    if (r->vm.co)
        coroutine_drop(vm, r->vm.co);
    r->vm.co = NULL;
    if (r->vm.slot == 0)
        return;
    notify(vm, vm->release, r->vm.slot);
    slot_give(vm, r->vm.slot);
    r->vm.slot = 0;
}

const struct request_hooks *vm_hooks(void)
{
    static const struct request_hooks hooks = {run, resume, judge, release};
    return &hooks;
}

void hooks_init(struct vm *vm)
{
    arena_init(&vm->turn, NULL);
}

void hooks_done(struct vm *vm)
{
    while (vm->spare) {
        struct coroutine *c = vm->spare;
        vm->spare = c->next;
        coroutine_drop(vm, c);
    }
    free(vm->slots);
    arena_done(&vm->turn);
}
