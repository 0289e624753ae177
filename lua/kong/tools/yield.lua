-- kong.tools.yield: long computations let others run now and then, where they may wait.
local phase = require("weir.pdk.phase")
local wait = require("weir.wait")

local WAITING = phase.set("rewrite", "access", "response", "timer")

local TIMES = 1000

local count = 0

local yield = {}

--- Lets others run.
-- @tparam ?boolean in_loop only each thousandth call does
function yield.yield(in_loop)
  count = count + 1
  if in_loop and count % TIMES ~= 0 then
    return
  end
  if phase.is(WAITING) then
    wait.sleep(0)
  end
end

return yield
