-- ngx.socket.tcp: cosockets, with ngx_lua's methods and error texts.
local ffi = require("ffi")
local abi = require("weir.abi")
local configuration = require("weir.pdk.configuration")
local destination = require("weir.ngx.socket.destination")
local inputs = require("weir.ngx.socket.input")
local policies = require("weir.ngx.socket.policy")
local text_of = require("weir.ngx.socket.text")
local timeouts = require("weir.ngx.socket.timeouts")
local wait = require("weir.wait")

local C = abi.C

local DEFAULT_IDLE = 60000 -- ms, as nginx's lua_socket_keepalive_timeout

local Tcp = {}
Tcp.__index = Tcp

local tcp = {}

--- A socket of the request or timer that runs, which closes it when it ends.
-- @treturn ngx.socket.TCP
function tcp.new()
  local self = setmetatable({
    handle = wait.socket(),
    connect_ms = timeouts.DEFAULT, send_ms = timeouts.DEFAULT, read_ms = timeouts.DEFAULT,
  }, Tcp)
  self.input = inputs.new(function()
    return wait.read(self.handle, self.read_ms)
  end)
  return self
end

--- ms for connecting and handshakes, for sending, for receiving; nil: a minute.
-- @tparam ?number connect_ms
-- @tparam ?number send_ms
-- @tparam ?number read_ms
function Tcp:settimeouts(connect_ms, send_ms, read_ms)
  self.connect_ms, self.send_ms, self.read_ms = timeouts.of(connect_ms), timeouts.of(send_ms),
    timeouts.of(read_ms)
end

--- ms for everything.
-- @tparam ?number ms
function Tcp:settimeout(ms)
  self:settimeouts(ms, ms, ms)
end

--- Connects, or takes an idle connection of the same pool.
-- @tparam string host name, address, or "unix:PATH" (then without a port)
-- @tparam number port
-- @tparam ?table options pool: name of the pool, by default where it connects to; pool_size
-- @treturn number|nil 1
-- @treturn nil|string
function Tcp:connect(host, port, options)
  if type(port) == "table" then
    port, options = nil, port
  end
  local is_unix
  is_unix, port = destination(host, port, "connect")
  options = options or {}
  self.host = not is_unix and host or nil
  self.pool = tostring(options.pool or is_unix and host or host .. ":" .. port)
  self.pool_size = options.pool_size
  self.input:clear()
  local ok, err = wait.connect(self.handle, host, port, self.connect_ms, self.pool)
  return ok and 1, err
end

--- Shakes hands. An idle connection that was verified under the same policy and for the same name
-- is used as it is; one that was not makes room for a new one.
-- @param _ a session; sessions are kept by policy, so there is none to hand in
-- @tparam ?string server_name what is sent as SNI and looked for in the certificate; the host
-- @tparam nil|boolean|table|cdata verify as for weir.ngx.socket.policy
-- @tparam ?boolean status
-- @treturn boolean|nil
-- @treturn nil|string
function Tcp:sslhandshake(_, server_name, verify, status)
  local name = server_name or self.host
  if not name then
    return nil, "a server name is needed"
  elseif not self.input:is_empty() then
    return nil, "the peer sent something before the handshake"
  end
  local policy, err = policies.of(verify, status, self.credential)
  if not policy then
    return nil, err
  elseif C.weir_socket_policy(self.handle, policy, name, #name) ~= 0 then
    return nil, ffi.string(C.weir_error())
  end
  return wait.handshake(self.handle, self.connect_ms)
end

--- The certificate that is shown in the handshake; none without arguments.
-- @tparam ?string|cdata cert PEM, or what ngx.ssl.parse_pem_cert() gave
-- @tparam ?string|cdata key
-- @treturn boolean|nil
-- @treturn nil|string
function Tcp:setclientcert(cert, key)
  local credential, err = policies.credential(cert, key)
  if err then
    return nil, err
  end
  self.credential = credential
  return true
end

--- Sends a text, or those of a table.
-- @tparam string|number|table data
-- @treturn number|nil how many bytes
-- @treturn nil|string
function Tcp:send(data)
  local text = text_of(data)
  local ok, err = wait.write(self.handle, text, self.send_ms)
  if not ok then
    return nil, err
  end
  return #text
end

--- Receives so many bytes, a line ("*l", the default) or everything until the other side closes
-- ("*a").
-- @tparam ?string|number what
-- @treturn string|nil
-- @treturn nil|string
-- @treturn nil|string what came before that
function Tcp:receive(what)
  if what == nil or what == "*l" or what == "l" then
    return self.input:line()
  elseif what == "*a" or what == "a" then
    return self.input:all()
  end
  local count = tonumber(what)
  if not count or count < 0 then
    error(("bad argument #1 to 'receive' (bad pattern argument: %s)"):format(tostring(what)), 2)
  elseif count == 0 then
    return ""
  end
  return self.input:exactly(count)
end

--- Receives what there is, at most so many bytes.
-- @tparam number most
-- @treturn string|nil
-- @treturn nil|string
function Tcp:receiveany(most)
  local count = tonumber(most)
  if not count or count < 1 then
    error("bad argument #1 to 'receiveany' (bad max argument)", 2)
  end
  return self.input:any(count)
end

--- A function that receives up to a pattern of plain bytes.
-- @tparam string pattern
-- @tparam ?table options inclusive: the pattern is a part of it
-- @treturn function(size)
function Tcp:receiveuntil(pattern, options)
  if type(pattern) ~= "string" or pattern == "" then
    error("bad argument #1 to 'receiveuntil' (pattern is empty)", 2)
  end
  return self.input:until_pattern(pattern, options and options.inclusive or false)
end

--- Closes it.
-- @treturn number|nil 1
-- @treturn nil|string "closed"
function Tcp:close()
  local ok, err = wait.close(self.handle)
  self.input:clear()
  return ok and 1, err
end

--- Puts the connection into its pool.
-- @tparam ?number idle_ms how long it is kept, 0 for ever; a minute
-- @tparam ?number size of the pool; the setting lua_socket_pool_size
-- @treturn number|nil 1
-- @treturn nil|string
function Tcp:setkeepalive(idle_ms, size)
  if not self.input:is_empty() then
    return nil, "connection in dubious state"
  elseif not self.pool then
    return nil, "closed"
  end
  size = size or self.pool_size or configuration.get("lua_socket_pool_size")
  local ok, err = wait.keep(self.handle, self.pool, size,
    configuration.get("lua_max_idle_sockets"), idle_ms or DEFAULT_IDLE)
  return ok and 1, err
end

--- Sets one of the kernel's options: keepalive, reuseaddr, tcp-nodelay (booleans), sndbuf, rcvbuf
-- (bytes).
-- @tparam string name
-- @tparam boolean|number value
-- @treturn number|nil 1
-- @treturn nil|string "closed", "unsupported option"
function Tcp:setoption(name, value)
  if type(value) == "boolean" then
    value = value and 1 or 0
  end
  local ok, err = wait.option(self.handle, name, value)
  return ok and 1, err
end

--- How often the connection came out of the pool.
-- @treturn number|nil
-- @treturn nil|string "closed"
function Tcp:getreusedtimes()
  return wait.reused(self.handle)
end

return tcp
