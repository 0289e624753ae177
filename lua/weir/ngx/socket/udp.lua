-- ngx.socket.udp: datagram sockets that have one peer.
local destination = require("weir.ngx.socket.destination")
local text_of = require("weir.ngx.socket.text")
local timeouts = require("weir.ngx.socket.timeouts")
local wait = require("weir.wait")

local DEFAULT_SIZE = 8192

local Udp = {}
Udp.__index = Udp

local udp = {}

--- A socket of the request or timer that runs, which closes it when it ends.
-- @treturn ngx.socket.UDP
function udp.new()
  return setmetatable({ handle = wait.udp(), ms = timeouts.DEFAULT }, Udp)
end

--- ms for setpeername() and receive().
-- @tparam ?number ms nil: a minute
function Udp:settimeout(ms)
  self.ms = timeouts.of(ms)
end

--- Sets whom it sends to and receives from.
-- @tparam string host name, address, or "unix:PATH" (then without a port)
-- @tparam ?number port
-- @treturn number|nil 1
-- @treturn nil|string
function Udp:setpeername(host, port)
  local _, number = destination(host, port, "setpeername")
  local ok, err = wait.udp_peer(self.handle, host, number, self.ms)
  return ok and 1, err
end

--- Sends a text, or those of a table, as one datagram.
-- @tparam string|number|boolean|nil|table data
-- @treturn number|nil 1
-- @treturn nil|string
function Udp:send(data)
  local ok, err = wait.udp_send(self.handle, text_of(data))
  return ok and 1, err
end

--- Receives a datagram, cut to so many bytes.
-- @tparam ?number size 8192
-- @treturn string|nil
-- @treturn nil|string
function Udp:receive(size)
  return wait.udp_receive(self.handle, size or DEFAULT_SIZE, self.ms)
end

--- Closes it.
-- @treturn number|nil 1
-- @treturn nil|string "closed"
function Udp:close()
  local ok, err = wait.udp_close(self.handle)
  return ok and 1, err
end

return udp
