-- ngx.timer: functions that run later, outside of every request.
local abi = require("weir.abi")
local current = require("weir.pdk.current")
local failure = require("weir.runner.failure")
local wait = require("weir.wait")

local C = abi.C

local ALERT = 1 -- enum log_level

local timer = {}

local max_pending, max_running

--- Sets the limits.
-- @tparam table settings by name
function timer.configure(settings)
  max_pending, max_running = settings.lua_max_pending_timers, settings.lua_max_running_timers
end

-- Calls the function for the plugin that set the timer; a failure is only logged.
local function run(job, premature, slot)
  local _, count = wait.timers()
  if count > max_running then
    local line = ("[kong] timer.lua %d lua_max_running_timers are not enough"):format(max_running)
    C.weir_log(ALERT, line, #line)
    return
  end
  current.begin(job.plugin)
  current.slot = slot
  current.phase, current.generation = C.WEIR_PHASE_TIMER, current.newest
  local ok, err = xpcall(job.callback, failure.traceback, premature, unpack(job, 1, job.count))
  if not ok then
    failure.report(job.plugin, "timer", err)
  end
  current.plugin, current.slot = nil, 0
end

local function checked(delay, callback, least)
  if type(delay) ~= "number" then
    error(("bad argument #1 (number expected, got %s)"):format(type(delay)), 3)
  elseif type(callback) ~= "function" then
    error(("bad argument #2 (Lua function expected, got %s)"):format(type(callback)), 3)
  elseif not least(delay) then
    error("bad argument #1 (delay out of range)", 3)
  end
end

local function not_negative(delay)
  return delay >= 0 and delay < 2 ^ 31
end

local function positive(delay)
  return delay > 0 and delay < 2 ^ 31
end

local function job_of(callback, ...)
  return { callback = callback, plugin = current.plugin, count = select("#", ...), ... }
end

-- While the worker drains only what is due at once can still be had.
local function refusal(delay)
  if delay > 0 and C.weir_worker_exiting() == 1 then
    return "process exiting"
  elseif wait.timers() >= max_pending then
    return "too many pending timers"
  end
end

--- Calls a function once.
-- @tparam number delay seconds
-- @tparam function callback
-- @param ... its arguments, after `premature`
-- @treturn number|nil 1
-- @treturn nil|string
function timer.at(delay, callback, ...)
  checked(delay, callback, not_negative)
  local err = refusal(delay)
  if err then
    return nil, err
  end
  local job = job_of(callback, ...)
  wait.after(delay, function(premature, slot)
    run(job, premature, slot)
  end)
  return 1
end

--- Calls a function again and again, whether or not the call before is over.
-- @tparam number delay seconds
-- @tparam function callback
-- @param ... its arguments, after `premature`
-- @treturn number|nil 1
-- @treturn nil|string
function timer.every(delay, callback, ...)
  checked(delay, callback, positive)
  local err = refusal(delay)
  if err then
    return nil, err
  end
  local job = job_of(callback, ...)
  local function again(premature, slot)
    if not premature then
      wait.after(delay, again)
    end
    run(job, premature, slot)
  end
  wait.after(delay, again)
  return 1
end

--- How many wait for their time.
-- @treturn number
function timer.pending_count()
  return (wait.timers())
end

--- How many run.
-- @treturn number
function timer.running_count()
  local _, count = wait.timers()
  return count
end

return timer
