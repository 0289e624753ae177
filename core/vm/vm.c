// vm.c - opening a LuaJIT state, calling its module's functions, collecting its garbage.

#include "vm/vm.h"

#include "base/log.h"
#include "base/mem.h"
#include "conf/snapshot.h"
#include "vm/state.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Thread_local struct turn turn;

// -- errors ---------------------------------------------------------------------------------------

// The message handler of every protected call: the error as text, with the stack it came from.
static int traceback(lua_State *L)
{
    if (!lua_isstring(L, 1) && !luaL_callmeta(L, 1, "__tostring"))
        lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
    luaL_traceback(L, L, lua_tostring(L, -1), 1);
    return 1;
}

static struct str text_at(lua_State *L, int index)
{
    size_t n;
    const char *p = lua_tolstring(L, index, &n);
    return p ? (struct str){p, n} : STR("(no message)");
}

void state_log_error(struct vm *vm, lua_State *L, const char *doing)
{
    luaL_traceback(vm->L, L, lua_tostring(L, -1), 0);
    lua_pushfstring(vm->L, "[kong] %s: %s", doing, lua_tostring(vm->L, -1));
    log_text(LOG_ERR, 0, text_at(vm->L, -1));
    lua_settop(vm->L, 0);
}

void state_notify(struct vm *vm, int function, int argument)
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

// Only an error outside of every protected call gets here, which is a bug of this folder or the end
// of memory.
static int panic(lua_State *L)
{
    struct str text = text_at(L, -1);
    log_write(LOG_EMERG, 0, "unprotected error in Lua: %.*s", STR_ARG(text));
    abort();
}

// -- opening --------------------------------------------------------------------------------------

static const char boot[] = "local root, module = ...\n"
                           "local loader = assert(loadfile(root .. '/lua/weir/loader.lua'))()\n"
                           "package.loaded['weir.loader'] = loader\n"
                           "loader.install(root)\n"
                           "loader.keep_bounds()\n"
                           "return require(module)\n";

// A reference to a function of the module on top of the stack, LUA_REFNIL when there is none.
static int reference(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

static bool load_module(struct vm *vm, const char *lua_root, const char *module)
{
    lua_State *L = vm->L;
    lua_pushcfunction(L, traceback);
    if (luaL_loadbuffer(L, boot, sizeof boot - 1, "=boot") != 0)
        return false;
    lua_pushstring(L, lua_root);
    lua_pushstring(L, module);
    if (lua_pcall(L, 2, 1, 1) != 0)
        return false;
    if (!lua_istable(L, -1)) {
        lua_pushfstring(L, "module %s is not a table", module);
        return false;
    }
    vm->run = reference(L, "run");
    vm->go_on = reference(L, "go_on");
    vm->retry = reference(L, "retry");
    vm->judge = reference(L, "judge");
    vm->certificate = reference(L, "certificate");
    vm->release = reference(L, "release");
    vm->stray_yield = reference(L, "stray_yield");
    vm->module = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_settop(L, 0);
    return true;
}

static size_t bytes_in_use(lua_State *L)
{
    return (size_t)lua_gc(L, LUA_GCCOUNT, 0) * 1024 + (size_t)lua_gc(L, LUA_GCCOUNTB, 0);
}

static void *allocate(void *arg, void *p, size_t before, size_t n)
{
    (void)arg, (void)before;
    if (n > 0)
        return realloc(p, n);
    free(p);
    return NULL;
}

struct vm *vm_new(const char *lua_root, const char *module, enum vm_heap heap)
{
    struct vm *vm = xcalloc(1, sizeof *vm);
    vm->worker = -1;
    vm->L = heap == VM_HEAP_MALLOC ? lua_newstate(allocate, NULL) : luaL_newstate();
    if (!vm->L) {
        log_write(LOG_EMERG, 0, "cannot open a Lua state");
        free(vm);
        return NULL;
    }
    bounds_open(&vm->bounds, vm->L);
    lua_atpanic(vm->L, panic);
    luaL_openlibs(vm->L);
    wait_open(vm->L);
    arena_init(&vm->turn, NULL);
    scopes_init(vm);
    links_init(&vm->pools);

    struct turn before = turn;
    turn = (struct turn){ .vm = vm };
    bool loaded = load_module(vm, lua_root, module);
    turn = before;
    if (!loaded) {
        struct str text = text_at(vm->L, -1);
        log_write(LOG_EMERG, 0, "cannot load the Lua module %s:", module);
        log_text(LOG_EMERG, 0, text);
        vm_free(vm);
        return NULL;
    }
    lua_gc(vm->L, LUA_GCCOLLECT, 0);
    vm->live = vm->last = bytes_in_use(vm->L);
    return vm;
}

void vm_free(struct vm *vm)
{
    if (!vm)
        return;
    struct turn before = turn;
    turn = (struct turn){ .vm = vm }; // finalisers may log
    scopes_done(vm);
    bounds_close(&vm->bounds, vm->L);
    lua_close(vm->L);
    arena_done(&vm->turn);
    turn = before;
    free(vm);
}

void vm_set_worker(struct vm *vm, int id)
{
    vm->worker = id;
}

void vm_attach(struct vm *vm, struct proxy *proxy)
{
    vm->proxy = proxy;
}

// -- finding the Lua files ------------------------------------------------------------------------

static bool is_root(const char *folder)
{
    char file[4096];
    int n = snprintf(file, sizeof file, "%s/lua/weir/worker.lua", folder);
    return n > 0 && (size_t)n < sizeof file && access(file, R_OK) == 0;
}

// Cuts the last component; false when there is none.
static bool to_parent(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return false;
    *slash = '\0';
    return true;
}

// Installed in PREFIX/bin, or built in a folder below the tree.
static bool root_of_executable(char *out, size_t len)
{
    char folder[4096];
    ssize_t n = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (n < 0)
        return false;
    folder[n] = '\0';
    if (!to_parent(folder))
        return false;
    int need = snprintf(out, len, "%s/../share/weir", folder);
    if (need > 0 && (size_t)need < len && is_root(out))
        return true;
    while (to_parent(folder))
        if (is_root(folder) && strlen(folder) < len) {
            strcpy(out, folder);
            return true;
        }
    return false;
}

bool vm_root(char *out, size_t len)
{
    const char *set = getenv("WEIR_LUA_PATH");
    if (set && *set) {
        if (is_root(set) && strlen(set) < len) {
            strcpy(out, set);
            return true;
        }
        fprintf(stderr, "weir: WEIR_LUA_PATH=%s: there is no lua/weir/worker.lua in that folder\n",
                set);
        return false;
    }
    if (root_of_executable(out, len))
        return true;
    fprintf(stderr,
            "weir: cannot find the Lua files: neither ../share/weir next to the executable nor a "
            "folder above it has lua/weir/worker.lua; WEIR_LUA_PATH can name it\n");
    return false;
}

// -- calling --------------------------------------------------------------------------------------

// Calls the module's function with the `count` arguments that are on top of the stack. On success
// the two results are on top, else *why is the error.
static bool call(struct vm *vm, const char *function, int count, char **why)
{
    lua_State *L = vm->L;
    int first = lua_gettop(L) - count + 1;
    lua_pushcfunction(L, traceback);
    lua_insert(L, first);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->module);
    lua_getfield(L, -1, function);
    lua_remove(L, -2);
    lua_insert(L, first + 1);
    struct turn before = turn;
    turn = (struct turn){ .vm = vm };
    int status = lua_pcall(L, count, 2, first);
    bounds_leave(&vm->bounds, L);
    turn = before;
    int error = status != 0 || !lua_isnil(L, -1) ? -1 : 0;
    if (error == 0)
        return true;
    struct str text = text_at(L, error);
    *why = xmemdup0(text.p, text.n);
    return false;
}

bool vm_call(struct vm *vm, const char *function, struct str argument, char **answer)
{
    lua_State *L = vm->L;
    *answer = NULL;
    lua_pushlstring(L, argument.n ? argument.p : "", argument.n);
    bool ok = call(vm, function, 1, answer);
    if (ok && lua_isstring(L, -2)) {
        struct str text = text_at(L, -2);
        *answer = xmemdup0(text.p, text.n);
    }
    lua_settop(L, 0);
    return ok;
}

bool vm_adopt(struct vm *vm, const struct snapshot *snapshot, char **why)
{
    *why = NULL;
    lua_pushlstring(vm->L, snapshot->blob.n ? snapshot->blob.p : "", snapshot->blob.n);
    lua_pushnumber(vm->L, (lua_Number)snapshot->serial);
    lua_pushlightuserdata(vm->L, (void *)(uintptr_t)snapshot->entities);
    bool ok = call(vm, "adopt", 3, why);
    lua_settop(vm->L, 0);
    vm->adopted += ok;
    return ok;
}

void vm_retire(struct vm *vm, const struct snapshot *snapshot)
{
    char *why = NULL;
    lua_pushnumber(vm->L, (lua_Number)snapshot->serial);
    if (!call(vm, "retire", 1, &why))
        log_text(LOG_ERR, 0, str_from(why));
    free(why);
    lua_settop(vm->L, 0);
    vm->adopted--;
}

bool vm_unused(const struct vm *vm)
{
    return vm->adopted == 0;
}

bool vm_spent(struct vm *vm)
{
    struct turn before = turn;
    turn = (struct turn){ .vm = vm };   // finalisers may log
    const bool spent = bounds_spent(&vm->bounds, vm->L);
    turn = before;
    return spent;
}

void vm_relieve(struct vm *vm)
{
    struct bounds *b = &vm->bounds;
    bounds_set(b, b->time_limit, b->limit / 4 * 5);
}

// -- garbage --------------------------------------------------------------------------------------

// Collecting happens between turns: a cycle begins when the heap is half as large again as after
// the last one, and goes on in slices that trace twice what was allocated meanwhile, and at least
// COLLECT_STEP. The collector's own start, at twice the heap of now, is only left as a bound for a
// single phase that allocates without end.
enum { COLLECT_STEP = 16 * 1024, COLLECT_MIN = 256 * 1024 };

static void collect_slice(struct vm *vm, size_t fresh)
{
    struct turn before = turn;
    turn = (struct turn){ .vm = vm };
    vm->collecting = lua_gc(vm->L, LUA_GCSTEP, (int)((fresh + COLLECT_STEP) / 1024)) == 0;
    lua_gc(vm->L, LUA_GCRESTART, -1);
    turn = before;
    if (!vm->collecting)
        vm->live = bytes_in_use(vm->L);
}

size_t vm_collect(struct vm *vm)
{
    if (vm->turn.used > 0)
        arena_reset(&vm->turn);
    size_t used = bytes_in_use(vm->L);
    if (vm->collecting || used > vm->live + vm->live / 2 + COLLECT_MIN) {
        collect_slice(vm, used > vm->last ? used - vm->last : 0);
        used = bytes_in_use(vm->L);
    }
    vm->last = used;
    return used;
}
