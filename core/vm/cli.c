// cli.c - calling lua/weir/cli and reading its answer.

#include "vm/cli.h"

#include "base/log.h"
#include "base/mem.h"
#include "vm/state.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_BUG = 70 };     // EX_SOFTWARE of sysexits.h

static int64_t integer_field(lua_State *L, const char *name, int64_t fallback)
{
    lua_getfield(L, -1, name);
    int64_t n = lua_isnumber(L, -1) ? (int64_t)lua_tonumber(L, -1) : fallback;
    lua_pop(L, 1);
    return n;
}

static bool boolean_field(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    bool set = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return set;
}

// -1 for a switch that is not there.
static int switch_field(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    int set = lua_isnil(L, -1) ? -1 : lua_toboolean(L, -1);
    lua_pop(L, 1);
    return set;
}

// A copy of a string field, "" without it.
static struct str string_field(lua_State *L, const char *name)
{
    size_t n = 0;
    lua_getfield(L, -1, name);
    const char *p = lua_tolstring(L, -1, &n);
    struct str copy = { xmemdup0(p ? p : "", n), n };
    lua_pop(L, 1);
    return copy;
}

static void read_listen(lua_State *L, struct cli_listen *l)
{
    struct str host = string_field(L, "host"), role = string_field(L, "role");
    *l = (struct cli_listen){
        .port = (uint16_t)integer_field(L, "port", 0),
        .tls = boolean_field(L, "ssl"),
        .admin = str_eq(role, STR("admin")),
        .reuseport = boolean_field(L, "reuseport"),
        .deferred = boolean_field(L, "deferred"),
        .backlog = (int)integer_field(L, "backlog", 0),
        .ipv6only = switch_field(L, "ipv6only"),
        .keepalive = switch_field(L, "so_keepalive"),
    };
    snprintf(l->host, sizeof l->host, "%.*s", STR_ARG(host));
    free((char *)(uintptr_t)host.p);
    free((char *)(uintptr_t)role.p);
}

static void read_listens(lua_State *L, struct cli_action *out)
{
    lua_getfield(L, -1, "listeners");
    out->listen_count = (unsigned)lua_objlen(L, -1);
    out->listens = xcalloc(out->listen_count + 1, sizeof *out->listens);
    for (unsigned i = 0; i < out->listen_count; i++) {
        lua_rawgeti(L, -1, (int)i + 1);
        read_listen(L, &out->listens[i]);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static void read_action(lua_State *L, struct cli_action *out)
{
    struct str action = string_field(L, "action");
    out->run = str_eq(action, STR("run"));
    free((char *)(uintptr_t)action.p);
    out->code = (int)integer_field(L, "code", 0);
    if (!out->run)
        return;
    read_listens(L, out);
    out->workers = (unsigned)integer_field(L, "workers", 1);
    struct str level = string_field(L, "log_level");
    out->log_level = log_level_parse(level);
    free((char *)(uintptr_t)level.p);
    out->access_log = boolean_field(L, "access_log");
    out->stall_warning = (uint32_t)integer_field(L, "stall_warning_ms", 0);
    out->stall_limit = (uint32_t)integer_field(L, "stall_limit_ms", 0);
    out->blob = string_field(L, "blob");
}

void cli_run(const char *lua_root, int argc, char **argv, struct cli_action *out)
{
    *out = (struct cli_action){ .code = EXIT_BUG };
    struct vm *vm = vm_new(lua_root, "weir.cli", VM_HEAP_OWN);
    if (!vm)
        return;
    lua_State *L = vm->L;
    struct turn before = turn;
    turn = (struct turn){ .vm = vm };
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->module);
    lua_getfield(L, -1, "main");
    lua_createtable(L, argc, 0);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i + 1);
    }
    if (lua_pcall(L, 1, 1, 0) != 0)
        fprintf(stderr, "Error: %s\n", lua_tostring(L, -1));
    else if (!lua_istable(L, -1))
        fprintf(stderr, "Error: the command line gave no action\n");
    else
        read_action(L, out);
    lua_settop(L, 0);
    turn = before;
    vm_free(vm);
}

void cli_done(struct cli_action *action)
{
    free(action->listens);
    free((char *)(uintptr_t)action->blob.p);
}
