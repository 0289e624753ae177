-- resty.lock: a lock of all workers, kept in a shared dictionary.
--
-- One that is not unlocked, since its holder failed, ends with its time (exptime).
local dictionaries = require("weir.ngx.shared").dictionaries
local wait = require("weir.wait")

local lock = { _VERSION = "0.09" }
lock.__index = lock

--- Makes a lock.
-- @tparam string dict_name
-- @tparam ?table options exptime (30), timeout (5), step (0.001), ratio (2), max_step (0.5):
--   seconds that a lock lasts, that lock() waits, and of its first pause; how pauses grow, and to
--   what
-- @treturn table|nil
-- @treturn nil|string
function lock.new(_, dict_name, options)
  local dict = dictionaries[dict_name]
  if not dict then
    return nil, "dictionary not found"
  end
  options = options or {}
  local timeout = options.timeout or 5
  return setmetatable({
    dict = dict,
    exptime = options.exptime or 30,
    timeout = timeout,
    step = math.min(options.step or 0.001, timeout),
    ratio = options.ratio or 2,
    max_step = options.max_step or 0.5,
  }, lock)
end

--- Waits for the lock.
-- @tparam string key
-- @treturn number|nil the seconds that it took
-- @treturn nil|string "timeout", "locked" (this object holds one already), "no memory"
function lock:lock(key)
  if not key then
    return nil, "nil key"
  elseif self.key then
    return nil, "locked"
  end
  local step, elapsed = self.step, 0
  while true do
    local ok, err = self.dict:add(key, true, self.exptime)
    if ok then
      self.key = key
      return elapsed
    elseif err ~= "exists" then
      return nil, err
    elseif elapsed >= self.timeout then
      return nil, "timeout"
    end
    step = math.min(step, self.timeout - elapsed)
    wait.sleep(step)
    elapsed = elapsed + step
    step = math.min(step * self.ratio, self.max_step)
  end
end

--- Gives the lock up.
-- @treturn number|nil 1
-- @treturn nil|string "unlocked": this object holds none
function lock:unlock()
  if not self.key then
    return nil, "unlocked"
  end
  local ok, err = self.dict:delete(self.key)
  if not ok then
    return nil, err
  end
  self.key = nil
  return 1
end

--- Sets how long a lock that is held lasts from here on.
-- @tparam ?number exptime seconds; as it was made if nil
-- @treturn true|nil
-- @treturn nil|string
function lock:expire(exptime)
  if not self.key then
    return nil, "unlocked"
  end
  return self.dict:replace(self.key, true, exptime or self.exptime)
end

return lock
