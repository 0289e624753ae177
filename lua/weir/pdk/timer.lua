-- kong.timer: ngx.timer with names.
--
-- A name is free again when its timer is over. A timer that was cancelled does not run; it counts
-- as pending until its time.
local timer = require("weir.ngx.timer")

local named = {}

-- name -> { cancelled }
local jobs = {}

local number = 0

local function name_of(name)
  if name ~= nil then
    return name
  end
  number = number + 1
  return ("unnamed timer %d"):format(number)
end

-- Names that the caller did not choose are unique.
local function start(set, once, name, delay, callback, ...)
  name = name_of(name)
  if jobs[name] then
    return nil, "already exists timer"
  end
  local job = {}
  local ok, err = set(delay, function(premature, ...)
    if job.cancelled then
      return
    end
    if once or premature then
      jobs[name] = nil
    end
    return callback(premature, ...)
  end, ...)
  if not ok then
    return nil, err
  end
  jobs[name] = job
  return name
end

--- Calls a function once.
-- @tparam number delay seconds
-- @tparam function callback called with `premature` and the further arguments
-- @tparam any ... its arguments, after `premature`
-- @treturn string|nil a name, for cancel()
-- @treturn nil|string
-- @usage
-- kong.timer:at(1, function(premature, name)
--   if not premature then
--     kong.log("a second later, ", name)
--   end
-- end, "hello")
function named:at(delay, callback, ...) -- luacheck: ignore 212
  return start(timer.at, true, nil, delay, callback, ...)
end

--- Calls a function again and again.
-- @tparam number delay seconds
-- @tparam function callback called with `premature` and the further arguments
-- @tparam any ... its arguments, after `premature`
-- @treturn string|nil a name, for cancel()
-- @treturn nil|string
function named:every(delay, callback, ...) -- luacheck: ignore 212
  return start(timer.every, false, nil, delay, callback, ...)
end

--- As at(), under a name that no other timer has.
-- @tparam string name
-- @tparam number delay seconds
-- @tparam function callback called with `premature` and the further arguments
-- @tparam any ... its arguments, after `premature`
-- @treturn string|nil the name
-- @treturn nil|string "already exists timer"
function named:named_at(name, delay, callback, ...) -- luacheck: ignore 212
  return start(timer.at, true, name, delay, callback, ...)
end

--- As every(), under a name that no other timer has.
-- @tparam string name
-- @tparam number delay seconds
-- @tparam function callback called with `premature` and the further arguments
-- @tparam any ... its arguments, after `premature`
-- @treturn string|nil the name
-- @treturn nil|string "already exists timer"
function named:named_every(name, delay, callback, ...) -- luacheck: ignore 212
  return start(timer.every, false, name, delay, callback, ...)
end

--- Takes a timer back.
-- @tparam string name
-- @treturn boolean|nil
-- @treturn nil|string
function named:cancel(name) -- luacheck: ignore 212
  local job = jobs[name]
  if not job then
    return nil, "timer not found"
  end
  job.cancelled = true
  jobs[name] = nil
  return true
end

return named
