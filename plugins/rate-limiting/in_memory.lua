-- Counts requests in the memory of this node, which all its workers share (policy "local").

local function take_back(keys)
  local dict = ngx.shared.kong_rate_limiting_counters
  for _, key in ipairs(keys) do
    local count, err = dict:incr(key, -1)
    -- The window may have ended meanwhile, and its counter with it.
    if not count and err ~= "not found" then
      kong.log.err("could not take a request back: ", err)
    end
  end
end

--- Counts a request; see kong.plugins.rate-limiting.counters.
return function(windows, now)
  local dict = ngx.shared.kong_rate_limiting_counters
  local counts, keys, refused = {}, {}, false
  for i, window in ipairs(windows) do
    local key = ("%s:%s"):format(window.who, window.period)
    local count, err = dict:incr(key, 1, 0, window.stop - now)
    if not count then
      take_back(keys)
      return nil, err
    end
    counts[i], keys[i] = count, key
    refused = refused or count > window.limit
  end
  if refused then
    take_back(keys)
  end
  return counts
end
