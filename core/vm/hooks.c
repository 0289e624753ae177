// hooks.c - running the phases of requests.
//
// A phase runs on a coroutine of its own (scope.c), so that it can wait.

#include "base/counter.h"
#include "proxy/client.h"
#include "proxy/request.h"
#include "vm/activity.h"
#include "vm/state.h"

#include <stdio.h>

static void count_entry(struct proxy *p)
{
    counter_add(&p->counters.lua_phases, 1);
}

// Calls a function of the entry module, with what it has to know of the phase.
static enum hook_result enter(struct vm *vm, struct request *r, enum phase phase, int function)
{
    if (!r->vm.scope)
        r->vm.scope = scope_take(vm, r);
    struct scope *s = r->vm.scope;
    // A phase that still waits has nothing to come back to.
    if (!scope_idle(s))
        scope_stop(s);
    s->leaves = false;
    struct coroutine *c = coroutine_take(s);
    r->phase = phase;
    count_entry(r->proxy);
    lua_State *L = c->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, function);
    lua_pushnumber(L, (lua_Number)r->view->snapshot->serial);
    lua_pushinteger(L, phase);
    lua_pushinteger(L, (lua_Integer)r->plan->index);
    lua_pushinteger(L, s->slot);
    return scope_enter(c, 4);
}

// Where a handler has left the phase to those after it, it is their turn. What a plugin waits for
// besides its own events is the body, which the proxy reads for it.
static enum hook_result outcome(struct request *r, enum hook_result result)
{
    struct scope *s = r->vm.scope;
    while (result == HOOK_EXIT && s->leaves)
        result = enter(s->vm, r, r->phase, s->vm->go_on);
    r->body_wanted = s->reader != NULL;
    return result;
}

static enum hook_result run(void *state, struct request *r, enum phase phase)
{
    struct vm *vm = state;
    return outcome(r, enter(vm, r, phase, vm->run));
}

static enum hook_result retry(void *state, struct request *r)
{
    struct vm *vm = state;
    return outcome(r, enter(vm, r, PHASE_BALANCER, vm->retry));
}

// Either somebody's wait is over, or it is the body that has come.
static enum hook_result resume(void *state, struct request *r)
{
    (void)state;
    struct scope *s = r->vm.scope;
    struct coroutine *c = s->due ? s->due : s->reader;
    if (c == s->reader)
        s->reader = NULL;
    s->due = NULL;
    return outcome(r, scope_resume(c));
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
    bounds_switch(&vm->bounds, true);
    const int status = lua_pcall(L, 2, 1, 0);
    bounds_switch(&vm->bounds, false);
    if (status != 0)
        state_log_error(vm, L, "upstream_verify");
    else if (lua_type(L, -1) == LUA_TSTRING)
        text = lua_tostring(L, -1);
    else
        accepts = lua_isboolean(L, -1) && lua_toboolean(L, -1);
    snprintf(said, VERDICT_SAID, "%s", text);
    lua_settop(L, 0);
    bounds_leave(&vm->bounds, L);
    return accepts;
}

// The request waits meanwhile, in a phase of its own or in none, which is put back.
static bool judge(void *state, struct request *r, const struct shown *p,
                  char said[VERDICT_SAID])
{
    struct vm *vm = state;
    struct turn before = turn;
    const enum phase waiting_in = r->phase;
    turn = (struct turn){ .vm = vm, .request = r, .shown = p };
    const struct weir_turn seen = vm->now;
    r->phase = PHASE_UPSTREAM_VERIFY;
    vm->now.phase = 1u << PHASE_UPSTREAM_VERIFY;
    const struct activity elsewhere = activity_enter(PHASE_UPSTREAM_VERIFY, r);
    count_entry(r->proxy);
    const bool accepts = call_judge(vm, r, said);
    activity_leave(elsewhere);
    r->phase = waiting_in;
    vm->now = seen;
    turn = before;
    return accepts;
}

static bool certificate(void *state, struct client *c)
{
    struct vm *vm = state;
    lua_State *L = vm->L;
    struct turn before = turn;
    turn = (struct turn){ .vm = vm, .client = c };
    const struct weir_turn seen = vm->now;
    vm->now.phase = 1u << PHASE_CERTIFICATE;
    const struct activity elsewhere = activity_enter(PHASE_CERTIFICATE, NULL);
    count_entry(c->proxy);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->certificate);
    lua_pushnumber(L, (lua_Number)c->proxy->view->snapshot->serial);
    bool accepted = false;
    bounds_switch(&vm->bounds, true);
    const int status = lua_pcall(L, 1, 1, 0);
    bounds_switch(&vm->bounds, false);
    if (status != 0)
        state_log_error(vm, L, "certificate");
    else
        accepted = lua_isboolean(L, -1) && lua_toboolean(L, -1);
    lua_settop(L, 0);
    bounds_leave(&vm->bounds, L);
    activity_leave(elsewhere);
    vm->now = seen;
    turn = before;
    return accepted;
}

static void release(void *state, struct request *r)
{
    (void)state;
    if (r->vm.scope)
        scope_give(r->vm.scope);
    r->vm.scope = NULL;
}

const struct request_hooks *vm_hooks(void)
{
    static const struct request_hooks hooks = {
        .run = run, .resume = resume, .retry = retry, .judge = judge,
        .certificate = certificate, .release = release,
    };
    return &hooks;
}
