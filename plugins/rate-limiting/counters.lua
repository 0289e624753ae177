-- How often somebody has called within the windows that are limited (policy "local"): counters in
-- the memory of this node, which all its workers share.
--
-- A request is counted before anything is decided, and taken back when it is refused. So requests
-- that come at once never get through in greater number than the limit says, and those that are
-- refused cost nothing.

local windows = require("kong.plugins.rate-limiting.windows")

local counters = {}

-- Who called may be a text of any length that the client has chosen.
local LONGEST = 64

local function short(text)
  return #text > LONGEST and ngx.encode_base64(ngx.sha1_bin(text)) or text
end

local function take_back(used)
  local dict = ngx.shared.kong_rate_limiting_counters
  for _, window in ipairs(used) do
    local count, err = dict:incr(window.key, -1)
    -- The window may have ended meanwhile, and its counter with it.
    if not count and err ~= "not found" then
      kong.log.err("could not take a request back: ", err)
    end
  end
end

-- Adds one to the counter of a window.
local function count_in(name, limit, who, now)
  local start, stop = windows.at(name, now)
  local window = { name = name, limit = limit, stop = stop,
    key = ("%s:%s:%d"):format(who, name, start) }
  local count, err = ngx.shared.kong_rate_limiting_counters:incr(window.key, 1, 0, stop - now)
  if not count then
    return nil, err
  end
  window.exceeded = count > limit
  window.remaining = math.max(0, limit - count)
  return window
end

-- What a request that is taken back has not used up.
local function give_back(used)
  take_back(used)
  for _, window in ipairs(used) do
    if not window.exceeded then
      window.remaining = window.remaining + 1
    end
  end
end

--- Counts a request in all windows that have a limit, or in none when one of them is full.
-- @tparam table limits name of a window -> requests
-- @tparam string who
-- @tparam number now seconds since the epoch
-- @treturn table|nil list, from the shortest to the longest: name, limit, remaining, exceeded, stop
--   (seconds since the epoch)
-- @treturn boolean|string whether the request is refused; or why it could not be counted
function counters.count(limits, who, now)
  who = ("%s:%s"):format(kong.plugin.get_id(), short(who))
  local used, refused = {}, false
  for _, name in ipairs(windows.NAMES) do
    if limits[name] then
      local window, err = count_in(name, limits[name], who, now)
      if not window then
        take_back(used)
        return nil, err
      end
      used[#used + 1] = window
      refused = refused or window.exceeded
    end
  end
  if refused then
    give_back(used)
  end
  return used, refused
end

return counters
