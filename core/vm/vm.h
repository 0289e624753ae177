// One LuaJIT state, entered once per phase on a pooled coroutine.
//
// Owner: a worker (lua/weir/worker.lua), the control thread (lua/weir/control.lua), or main() for
// the command line (lua/weir/cli). Threads: its owner's.
//
// Errors in Lua never leave it: they come back as results, with the traceback logged.

#pragma once

#include "base/error.h"
#include "base/str.h"
#include "proxy/hooks.h"

struct proxy;
struct snapshot;
struct vm;
struct weir_counters;

// Where a state's memory comes from. LuaJIT's own allocator is the quicker one, and keeps what a
// state once took. Memory of malloc() can go back to the system while the state lives on.
enum vm_heap { VM_HEAP_OWN, VM_HEAP_MALLOC };

// Opens a state with the standard libraries, sets package.path and cpath from `lua_root` (see
// vm_root()) and runs require(module). NULL on failure, logged.
struct vm *vm_new(const char *lua_root, const char *module, enum vm_heap heap);
void vm_free(struct vm *vm);

// Where Lua files lie: $WEIR_LUA_PATH, else <dir of the executable>/../share/weir, else the source
// tree above it. The folder holds lua/ and plugins/. Returns false when there is none, with a
// message on stderr.
bool vm_root(char *out, size_t len);

// Calls field `function` of the module with one string, expecting (string or nil, error string).
// Used for control.start(blob), control.reload() and worker.adopt(blob). false: `answer` is the
// error text (freed by the caller).
bool vm_call(struct vm *vm, const char *function, struct str argument, char **answer);

// The phase hooks for proxy/ (proxy/hooks.h); `state` is the struct vm.
const struct request_hooks *vm_hooks(void);

// Worker VMs: makes the plugin chains of a snapshot current. Chains of older snapshots stay as long
// as requests use them.
bool vm_adopt(struct vm *vm, const struct snapshot *snapshot, char **why);
void vm_retire(struct vm *vm, const struct snapshot *snapshot);     // no request uses it any more
bool vm_unused(const struct vm *vm);    // it has no snapshot: no request runs in it, or will

// Whether its plugins keep so much that lua_memory_limit leaves no room to run.
// Between turns.
bool vm_spent(struct vm *vm);
// It is given up: what is under way in it may take a quarter more, so that it can end.
void vm_relieve(struct vm *vm);

// Which worker it belongs to, for weir_worker_id(); -1 (none) until it is set.
void vm_set_worker(struct vm *vm, int id);
// Whose connections and clock Lua may use; before the first configuration. It has to be there as
// long as anything runs.
void vm_attach(struct vm *vm, struct proxy *proxy);
// That the worker drains: for weir_worker_exiting(), and pending timers run at once.
void vm_set_exiting(struct vm *vm);
bool vm_idle(const struct vm *vm);      // no timer is pending or runs
// Calls off all timers, pending or running, and closes idle connections of Lua's, while loop and
// resolver are still there.
void vm_stop(struct vm *vm);

// For the loop's idle moment, each turn: a slice of garbage collection, and the end of the memory
// that body filters handed to the core during the turn. Returns the bytes that Lua has in use.
size_t vm_collect(struct vm *vm);

// What the ABI needs from the layers above, registered by the control thread before the first VM is
// made. `publish` takes over the snapshot's reference and returns its serial number.
void vm_on_publish(int64_t (*publish)(void *arg, struct snapshot *s), void *arg);
void vm_on_counters(void (*fill)(struct weir_counters *out));
void vm_on_lua_bytes(int64_t (*ask)(int worker));   // -1: no such worker
