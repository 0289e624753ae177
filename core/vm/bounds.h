// What bounds the Lua of plugins, so that none of them takes the gateway down: time per entry into
// Lua, memory of the whole state, and the thread's C stack.
//
// Nothing interrupts Lua from outside. The files of plugins are loaded with checks in them
// (lua/weir/bounds/checks.lua), which ask bounds_check() every so often, only where plugins run:
// the gateway's own Lua, and C that calls Lua unprotected, is never refused anything.
//
// Memory beyond the limit is given until the next check. Only at twice the limit the allocator says
// no: LuaJIT may not survive that inside of compiled code, as the process would not survive the end
// of the machine's memory.
//
// Owner: struct vm. Threads: the one that runs the VM.

#pragma once

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bounds {
    lua_Alloc allocate;     // whose memory it is
    void *allocate_arg;
    size_t used;            // bytes
    size_t limit;           // of `used` while plugins run; 0: none
    size_t collect_at;      // when it is time to look for garbage, before the limit is reached
    uint32_t time_limit;    // ms per entry; 0: none
    bool on;                // plugins run
    bool exceeded;          // the memory limit, since they do
    bool full;              // what a full collection left leaves no room worth mentioning
    bool spent;             // and that stays so between requests
};

// Puts itself between the state and its allocator; and goes away before lua_close(), since LuaJIT
// frees what its own allocator has only if that is the one it finds.
void bounds_open(struct bounds *b, lua_State *L);
void bounds_close(struct bounds *b, lua_State *L);

// Limits from now on, in ms and bytes; 0: none.
void bounds_set(struct bounds *b, uint32_t time_limit, size_t memory_limit);

// Plugins run from here on, or no more; returns what was before. With `on` the time begins anew.
bool bounds_switch(struct bounds *b, bool on);
// No plugin is on any stack of the state any more: switches off, and collects what a plugin that
// took too much leaves. `L` is the main state.
void bounds_leave(struct bounds *b, lua_State *L);

// Whether a plugin was refused memory, and what the state keeps is more than seven eighths of what
// it may have. Plugins that take more fail from then on without another full collection, which may
// take a second. `L` is the main state; no Lua runs, and what requests had is given back.
bool bounds_spent(struct bounds *b, lua_State *L);

enum bounds_verdict {
    BOUNDS_OK, BOUNDS_TIME, BOUNDS_STACK, BOUNDS_SPENT, BOUNDS_COLLECT, BOUNDS_MEMORY
};

// BOUNDS_TIME: the entry has taken too long, also when asked again. BOUNDS_STACK: the C stack is
// nearly used up. BOUNDS_COLLECT: this is the moment for a full collection. BOUNDS_MEMORY: the
// state has more than it may have, unless a full collection helps. BOUNDS_SPENT: it has, and none
// will help.
enum bounds_verdict bounds_check(struct bounds *b);
