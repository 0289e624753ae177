-- The JIT compiler's room, and a word when there is none.
--
-- The FFI is fast only in compiled code. LuaJIT throws all traces away when one of its limits is
-- reached, so they are set for many plugins; and machine code has to lie near LuaJIT's own, where
-- the system may have no room left.
local jit = require("jit")

local NO_ROOM = "failed to allocate mcode memory"

local traces = {}

local warned

local function on_trace(report)
  local texts = require("jit.vmdef").traceerr
  return function(what, _, _, _, code, detail)
    if what ~= "abort" or warned then
      return
    end
    local text = type(code) == "number" and texts[code] or tostring(code)
    if text:find(NO_ROOM, 1, true) then
      warned = true
      report("plugins run uncompiled: " .. text:format(detail))
    end
  end
end

--- Sets the limits, and has `report(text)` called once if machine code cannot be placed.
-- @tparam function report
function traces.start(report)
  jit.opt.start("maxtrace=4000", "maxrecord=8000", "maxmcode=8192")
  -- The texts of trace errors come with Debian's libluajit-5.1-common; without them nothing can be
  -- told apart.
  if pcall(require, "jit.vmdef") then
    jit.attach(on_trace(report), "trace")
  end
end

return traces
