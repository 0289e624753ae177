-- What LuaJIT makes of a function: whether it is compiled, and what it refuses to compile.

--- Calls a function often enough for LuaJIT to compile it, beginning with no traces.
-- @tparam function fn
-- @treturn number traces that were made
-- @treturn {string,...} what was not compiled since LuaJIT cannot (NYI)
return function(fn)
  local texts = require("jit.vmdef").traceerr
  local made, refused = 0, {}
  local function on_trace(what, _, _, _, code)
    if what == "stop" then
      made = made + 1
    elseif what == "abort" and type(code) == "number" and texts[code]:find("^NYI") then
      refused[#refused + 1] = texts[code]
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
