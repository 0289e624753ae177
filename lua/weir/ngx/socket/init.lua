-- ngx.socket: sockets whose operations wait.
local tcp = require("weir.ngx.socket.tcp")
local udp = require("weir.ngx.socket.udp")

local socket = { tcp = tcp.new, stream = tcp.new, udp = udp.new }

--- A TCP socket that is connected.
-- @tparam any ... as for connect() of a socket
-- @treturn ngx.socket.TCP|nil
-- @treturn nil|string
function socket.connect(...)
  local sock = tcp.new()
  local ok, err = sock:connect(...)
  if not ok then
    return nil, err
  end
  return sock
end

return socket
