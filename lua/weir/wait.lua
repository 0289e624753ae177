-- The functions that wait: the request's phase stops, others run, and it goes on when there is a
-- result.
--
-- What is current (weir.pdk.current) is saved meanwhile. Only rewrite and access can wait, and only
-- on the coroutine that the core runs them on, not on one that a plugin made.
local core = require("weir.wait.core") -- core/vm/wait.c
local current = require("weir.pdk.current")

local wait = {}

local function keeping_current(pause)
  return function(...)
    local plugin, slot, phase, generation =
      current.plugin, current.slot, current.phase, current.generation
    local result, err = pause(...)
    current.plugin, current.slot, current.phase, current.generation =
      plugin, slot, phase, generation
    return result, err
  end
end

--- The request's body.
-- @treturn string|nil
-- @treturn nil|string why it cannot be had
wait.body = keeping_current(core.body)

--- Lets time pass.
-- @tparam number seconds
wait.sleep = keeping_current(core.sleep)

--- Ends the phase: what weir_response_exit() stored is the answer. Does not return.
wait.exit = core.exit

return wait
