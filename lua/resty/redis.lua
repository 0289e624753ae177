-- resty.redis: a Redis client over cosockets, with lua-resty-redis' interface. Every command is a
-- method by its name in lower case.
--
-- A reply is a text, a number, a list or ngx.null; an error of redis is `false, text`, and one of
-- the connection `nil, text`, after which the connection is closed.
local protocol = require("weir.redis.protocol")
local tcp = require("weir.ngx.socket.tcp")

local redis = { _VERSION = "0.31" }

-- Methods of every client; others are commands (below).
local Client = {}

-- What a client can do while it listens to channels.
local LISTENING = {
  subscribe = 1, psubscribe = 1, ssubscribe = 1, unsubscribe = -1, punsubscribe = -1,
  sunsubscribe = -1,
}

--- A client.
-- @treturn table|nil
function redis.new()
  return setmetatable({ sock = tcp.new(), listens = false, pipeline = false }, redis.class)
end

--- A time limit for each step, ms.
function Client:set_timeout(ms)
  self.sock:settimeout(ms)
end

--- Time limits for connecting, sending and receiving, ms.
function Client:set_timeouts(connect_ms, send_ms, read_ms)
  self.sock:settimeouts(connect_ms, send_ms, read_ms)
end

--- Connects.
-- @tparam string host or "unix:PATH" (then without a port)
-- @tparam ?number port
-- @tparam ?table options pool, pool_size; ssl, server_name, ssl_verify (as sslhandshake takes it)
-- @treturn number|nil 1
-- @treturn nil|string
function Client:connect(host, port, options)
  if host:sub(1, 5) == "unix:" and type(port) == "table" then
    port, options = nil, port
  end
  options = options or {}
  self.listens, self.pipeline = false, false
  local ok, err = self.sock:connect(host, port, {
    pool = options.pool, pool_size = options.pool_size,
  })
  if ok and options.ssl then
    ok, err = self.sock:sslhandshake(nil, options.server_name, options.ssl_verify)
    if not ok then
      self.sock:close()
    end
  end
  return ok and 1 or nil, err
end

--- Puts the connection into its pool.
function Client:set_keepalive(...)
  if self.listens then
    return nil, "subscribed state"
  elseif self.pipeline then
    return nil, "a pipeline is open"
  end
  return self.sock:setkeepalive(...)
end

function Client:get_reused_times()
  return self.sock:getreusedtimes()
end

function Client:close()
  self.listens = false
  return self.sock:close()
end

-- ---- commands

-- After this nobody knows which reply comes next.
local function broken(self, err)
  self.sock:close()
  return nil, err
end

local function reply_of(self)
  local value, err = protocol.reply(self.sock)
  if value == nil then
    return broken(self, err)
  end
  return value, err
end

local function send(self, texts)
  local ok, err = self.sock:send(texts)
  if not ok then
    return broken(self, err)
  end
  return true
end

local function run(self, command, ...)
  if self.listens and not LISTENING[command] and command ~= "ping" and command ~= "quit" then
    return nil, "subscribed state"
  end
  local request = protocol.request(command, ...)
  if self.pipeline then
    table.insert(self.pipeline, request)
    return "QUEUED"
  end
  local ok, err = send(self, request)
  if not ok then
    return nil, err
  end
  return reply_of(self)
end

-- Keeps how many channels there are, which each such reply says, and ends with the last of them.
local function note_channels(self, reply)
  if type(reply) == "table" and LISTENING[reply[1]] then
    self.listens = reply[3] ~= 0
  end
  return reply
end

for command, direction in pairs(LISTENING) do
  Client[command] = function(self, ...)
    if direction < 0 and not self.listens then
      return nil, "not subscribed"
    end
    local reply, err = run(self, command, ...)
    return note_channels(self, reply), err
  end
end

--- The next message of the channels that were subscribed to.
-- @treturn table|nil
-- @treturn nil|string
function Client:read_reply()
  if not self.listens then
    return nil, "not subscribed"
  end
  local reply, err = protocol.reply(self.sock)
  -- A timeout between two messages leaves the connection as it was.
  if reply == nil and not (err == "timeout" and self.sock.input:is_empty()) then
    return broken(self, err)
  end
  return note_channels(self, reply), err
end

--- HMSET key field value …, or with a table of fields.
function Client:hmset(key, first, ...)
  if type(first) ~= "table" then
    return run(self, "hmset", key, first, ...)
  end
  local pairs_of = {}
  for field, value in pairs(first) do
    pairs_of[#pairs_of + 1] = field
    pairs_of[#pairs_of + 1] = value
  end
  return run(self, "hmset", key, unpack(pairs_of))
end

--- A list of fields and values as a table.
function Client:array_to_hash(list) -- luacheck: ignore 212
  local hash = {}
  for i = 1, #list, 2 do
    hash[list[i]] = list[i + 1]
  end
  return hash
end

-- ---- pipelines

--- Keeps commands from here on, until commit_pipeline() sends them.
function Client:init_pipeline()
  self.pipeline = {}
end

--- Drops them.
function Client:cancel_pipeline()
  self.pipeline = false
end

--- Sends them all at once.
-- @treturn table|nil list of their replies; of an error { false, text }
-- @treturn nil|string
function Client:commit_pipeline()
  local requests = self.pipeline
  if not requests then
    return nil, "no pipeline"
  end
  self.pipeline = false
  local ok, err = send(self, requests)
  if not ok then
    return nil, err
  end
  local replies = {}
  for i = 1, #requests do
    local value, problem = reply_of(self)
    if value == nil then
      return nil, problem
    end
    replies[i] = value == false and { false, problem } or value
  end
  return replies
end

-- ---- the class

-- A method is made when a command is first used.
setmetatable(Client, {
  __index = function(methods, command)
    if type(command) ~= "string" or not command:find("^%l[%l%d_]*$") then
      return nil
    end
    local function method(self, ...)
      return run(self, command, ...)
    end
    rawset(methods, command, method)
    return method
  end,
})

redis.class = { __index = Client }

--- Names commands that a module of redis adds. They are methods without it.
function redis.add_commands() end

return redis
