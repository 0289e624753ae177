-- Counts requests in a Redis server, which nodes share (policy "redis").

local redis = require("resty.redis")

-- Milliseconds that a connection waits for the next request, and how many do.
local IDLE, POOLED = 10000, 100

-- KEYS are counters. ARGV are their limits, and then their seconds to live.
local SCRIPT = [[
local counts, refused = {}, false
for i, key in ipairs(KEYS) do
  counts[i] = redis.call("INCR", key)
  if counts[i] == 1 then
    redis.call("EXPIRE", key, ARGV[#KEYS + i])
  end
  refused = refused or counts[i] > tonumber(ARGV[i])
end
if refused then
  for _, key in ipairs(KEYS) do
    redis.call("DECR", key)
  end
end
return counts
]]

-- A connection stays who it was made as: only those that say the same share some.
local function pool_of(conf)
  local secret = ngx.encode_base64(ngx.sha1_bin(conf.password or ""))
  return ("%s:%d:%d:%s:%s"):format(conf.host, conf.port, conf.database, conf.username or "", secret)
end

local function log_in(client, conf)
  local ok, err = true, nil
  if conf.password and conf.username then
    ok, err = client:auth(conf.username, conf.password)
  elseif conf.password then
    ok, err = client:auth(conf.password)
  end
  if ok and conf.database ~= 0 then
    ok, err = client:select(conf.database)
  end
  return ok, err
end

local function connect(conf)
  local client = redis:new()
  client:set_timeouts(conf.timeout, conf.timeout, conf.timeout)
  local ok, err = client:connect(conf.host, conf.port, {
    pool = pool_of(conf), ssl = conf.ssl, ssl_verify = conf.ssl_verify,
    server_name = conf.server_name,
  })
  if ok and client:get_reused_times() == 0 then
    ok, err = log_in(client, conf)
  end
  if not ok then
    client:close()
    return nil, err
  end
  return client
end

-- The arguments of EVAL after the script. Keys of one caller are in one slot of a cluster.
local function arguments(windows, now)
  local list, count = { #windows }, #windows
  for i, window in ipairs(windows) do
    list[1 + i] = ("ratelimit:{%s}:%s"):format(window.who, window.period)
    list[1 + count + i] = window.limit
    list[1 + 2 * count + i] = math.max(1, math.ceil(window.stop - now))
  end
  return list
end

--- Counts a request; see kong.plugins.rate-limiting.counters.
return function(windows, now, conf)
  local client, err = connect(conf.redis)
  if not client then
    return nil, err
  end
  local counts
  counts, err = client:eval(SCRIPT, unpack(arguments(windows, now)))
  if not counts then
    client:close()
    return nil, err
  end
  client:set_keepalive(IDLE, POOLED)
  return counts
end
