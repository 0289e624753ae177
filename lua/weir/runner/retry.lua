-- What a plugin wants to be asked before another try is made (kong.service's
-- set_target_retry_callback). It belongs to the request that it was set for.
local current = require("weir.pdk.current")
local failure = require("weir.runner.failure")

local retry = {}

-- Under which the request's tables have it: no plugin has this key.
local KEY = {}

--- Sets what is asked for the current request, by the plugin that runs.
-- @tparam function callback
function retry.set(callback)
  local asked = current.ctx(KEY)
  asked.callback, asked.plugin = callback, current.plugin
end

-- Why the answer is none to go on with; nil when it is.
local function objection(ok, agreed, reason)
  if not ok then
    return agreed
  elseif agreed ~= true then
    return reason ~= nil and failure.text(reason) or "it did not return true"
  end
end

--- Asks. What stands against the try is logged.
-- @treturn boolean whether the try is to be made
function retry.ask()
  local asked = current.ctx(KEY)
  current.begin(asked.plugin)
  local why = objection(xpcall(asked.callback, failure.traceback))
  if why then
    failure.report(asked.plugin, "target retry callback", why)
  end
  return not why
end

return retry
