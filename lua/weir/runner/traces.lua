-- The JIT compiler's room, and a word when there is none.
--
-- The FFI is fast only in compiled code. LuaJIT throws all traces away when one of its limits is
-- reached, so they are set for many plugins; and machine code has to lie near LuaJIT's own, where
-- the system may have no room left.
--
-- A chain of plugins should become one trace (weir.runner.line): it has more constants, snapshots
-- and tail calls, which count as unrolled loops, than LuaJIT allows, and more machine code than one
-- of its areas takes.
local jit = require("jit")

local NO_ROOM = "failed to allocate mcode memory"

local traces = {}

-- A loop that is compiled if anything is.
local function work()
  local sum = 0
  for i = 1, 1000 do
    sum = sum + i
  end
  return sum
end

-- Why machine code cannot be placed; nil when it can. Nothing stays attached: where the stack is
-- nearly full, LuaJIT tells of a trace that it gives up without end.
local function obstacle(texts)
  local found
  local function on_trace(what, _, _, _, code, detail)
    local text = what == "abort" and (type(code) == "number" and texts[code] or tostring(code))
    if text and text:find(NO_ROOM, 1, true) then
      found = text:format(detail)
    end
  end
  jit.attach(on_trace, "trace")
  work()
  jit.attach(on_trace)
  return found
end

--- Sets the limits, and calls `report(text)` if machine code cannot be placed.
-- @tparam function report
function traces.start(report)
  jit.opt.start("maxtrace=4000", "maxmcode=8192", "sizemcode=256", "maxrecord=8000",
    "maxirconst=2000", "maxsnap=2000", "loopunroll=60")
  -- The texts of trace errors come with Debian's libluajit-5.1-common; without them nothing can be
  -- told apart.
  local ok, vmdef = pcall(require, "jit.vmdef")
  local why = ok and obstacle(vmdef.traceerr)
  if why then
    report("plugins run uncompiled: " .. why)
  end
end

return traces
