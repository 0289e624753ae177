-- Limits how often somebody may call, per second up to per year.

local counters = require("kong.plugins.rate-limiting.counters")

local RateLimiting = { PRIORITY = 910, VERSION = require("kong.meta").version }

local function id_of(entity)
  return entity and entity.id
end

-- limit_by -> what tells callers apart, nil where the request has no such thing.
local callers = {
  consumer = function()
    return id_of(kong.client.get_consumer() or kong.client.get_credential())
  end,

  credential = function()
    return id_of(kong.client.get_credential())
  end,

  ip = function()
    return kong.client.get_forwarded_ip()
  end,

  service = function()
    return id_of(kong.router.get_service())
  end,

  header = function(conf)
    return kong.request.get_header(conf.header_name)
  end,

  path = function(conf)
    local path = kong.request.get_path()
    return path == conf.path and path or nil
  end,
}

-- Whoever cannot be told from others is counted by address. What is a client's choice, a header's
-- value for one, cannot be mistaken for another's address.
local function caller_of(conf)
  local caller = callers[conf.limit_by](conf)
  if caller then
    return conf.limit_by .. ":" .. caller
  end
  return "ip:" .. callers.ip()
end

-- The window that leaves least; of those that leave the same, the longest.
local function tightest(used)
  local chosen = used[1]
  for _, window in ipairs(used) do
    if window.remaining <= chosen.remaining then
      chosen = window
    end
  end
  return chosen
end

local function set_headers(used, refused, now)
  local headers, window = {}, tightest(used)
  for _, one in ipairs(used) do
    local name = one.name:gsub("^%l", string.upper)
    headers["X-RateLimit-Limit-" .. name] = one.limit
    headers["X-RateLimit-Remaining-" .. name] = one.remaining
  end
  local reset = math.max(1, math.ceil(window.stop - now))
  headers["RateLimit-Limit"] = window.limit
  headers["RateLimit-Remaining"] = window.remaining
  headers["RateLimit-Reset"] = reset
  headers["Retry-After"] = refused and reset or nil
  kong.response.set_headers(headers)
end

function RateLimiting:access(conf)
  local now = ngx.now()
  local used, refused = counters.count(conf, caller_of(conf), now)
  if not used then
    kong.log.err("could not count a request: ", refused)
    if conf.fault_tolerant then
      return
    end
    return kong.response.error(500)
  end
  if not conf.hide_client_headers then
    set_headers(used, refused, now)
  end
  if refused then
    return kong.response.error(conf.error_code, conf.error_message)
  end
end

return RateLimiting
