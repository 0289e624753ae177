-- The core's functions for Lua: declares to the FFI what core/vm/abi.h says, which the core itself
-- carries as text.
--
-- `abi.C` is the namespace to call into. A function of it may be called from compiled traces: it
-- never enters Lua.
local ffi = require("ffi")

-- What the Lua files of this tree are written for. A core with another number comes from another
-- version of weir.
local ABI = 1

ffi.cdef([[
  int weir_abi(void);
  const char *weir_abi_text(void);
]])

-- In weir's own binary the functions are the process's; elsewhere they are those of the library
-- weir/core.so.
local function core()
  if pcall(function() return ffi.C.weir_abi end) then
    return ffi.C
  end
  local path, tried = package.searchpath("weir.core", package.cpath)
  if not path then
    error("weir's core is not loaded, and there is no library of it:" .. tried, 0)
  end
  return ffi.load(path)
end

-- The part of the header that ffi.cdef reads.
local function declarations(text)
  return text:match("// %-%-%-%- cdef begin\n(.*)// %-%-%-%- cdef end")
end

local C = core()
local number = C.weir_abi()
if number ~= ABI then
  error(("the core speaks ABI %d, but weir's Lua files ABI %d: they are of different versions")
    :format(number, ABI), 0)
end

-- Declarations live as long as the state, longer than this module if somebody loads it anew.
if not pcall(ffi.sizeof, "struct weir_counters") then
  ffi.cdef(declarations(ffi.string(C.weir_abi_text())))
end

return {
  C = C,
  -- Kong's names of the phases, on the numbers that the core gives them.
  phases = { [0] = "rewrite", "access", "header_filter", "body_filter", "log", "upstream_verify",
    "balancer", "response", "certificate" },
  turn = C.weir_turn(),
  running = C.weir_plugin_running(),
}
