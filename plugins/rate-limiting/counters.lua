-- How often somebody has called within the windows that are limited.
--
-- A request is counted before anything is decided, and in no window when one of them is full. So
-- requests that come at once never get through in greater number than the limit says, and those
-- that are refused cost nothing.

local in_memory = require("kong.plugins.rate-limiting.in_memory")
local in_redis = require("kong.plugins.rate-limiting.in_redis")
local windows = require("kong.plugins.rate-limiting.windows")

local counters = {}

-- policy -> function that counts a request: gets the windows (limit, stop, who called, period), the
-- time and the configuration, and gives for each window how many requests it has with this one; or
-- nil and why it cannot.
local policies = { ["local"] = in_memory, redis = in_redis }

-- Who called may be a text of any length that the client has chosen.
local LONGEST = 64

local function short(text)
  return #text > LONGEST and ngx.encode_base64(ngx.sha1_bin(text)) or text
end

local function windows_of(conf, who, now)
  local list = {}
  for _, name in ipairs(windows.NAMES) do
    local limit = conf[name]
    if limit then
      local start, stop = windows.at(name, now)
      list[#list + 1] = { name = name, limit = limit, stop = stop, who = who,
        period = ("%s:%d"):format(name, start) }
    end
  end
  return list
end

-- Whether one of the windows is full.
local function is_refused(list, counts)
  for i, window in ipairs(list) do
    if counts[i] > window.limit then
      return true
    end
  end
  return false
end

--- Counts a request in all windows that have a limit, or in none when one of them is full.
-- @tparam table conf
-- @tparam string who
-- @tparam number now seconds since the epoch
-- @treturn table|nil list, from the shortest to the longest: name, limit, remaining, stop (seconds
--   since the epoch)
-- @treturn boolean|string whether the request is refused; or why it could not be counted
function counters.count(conf, who, now)
  who = ("%s:%s"):format(kong.plugin.get_id(), short(who))
  local list = windows_of(conf, who, now)
  local counts, err = policies[conf.policy](list, now, conf)
  if not counts then
    return nil, err
  end
  local refused = is_refused(list, counts)
  for i, window in ipairs(list) do
    -- What is refused has used up nothing.
    local used = refused and counts[i] - 1 or counts[i]
    window.remaining = math.max(0, window.limit - used)
  end
  return list, refused
end

return counters
