-- What LuaJIT makes of a function: whether it is compiled, and what it refuses to compile.

--- Calls a function often enough for LuaJIT to compile it, beginning with no traces.
-- @tparam function fn
-- @treturn number traces that were made
-- @treturn {string,...} what was not compiled since LuaJIT cannot (NYI)
return function(fn)
  local vmdef = require("jit.vmdef")
  local made, refused = 0, {}
  -- A bytecode comes with its number, what else there is with its name.
  local function describe(code, what)
    if vmdef.traceerr[code]:find("bytecode", 1, true) then
      what = vmdef.bcnames:sub(what * 6 + 1, what * 6 + 6)
    end
    return vmdef.traceerr[code]:format(tostring(what))
  end
  local function on_trace(what, _, _, _, code, info)
    if what == "stop" then
      made = made + 1
    elseif what == "abort" and type(code) == "number" and vmdef.traceerr[code]:find("^NYI") then
      refused[#refused + 1] = describe(code, info)
    end
  end
  jit.flush()
  jit.attach(on_trace, "trace")
  for i = 1, 300 do
    fn(i)
  end
  jit.attach(on_trace)
  return made, refused
end
