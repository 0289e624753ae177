-- Time limits of sockets.

local timeouts = {}

--- ms, as nginx's lua_socket_*_timeout.
timeouts.DEFAULT = 60000

--- What settimeout() was given, nil and 0 for the default.
-- @treturn number ms
function timeouts.of(ms)
  ms = tonumber(ms)
  return ms and ms >= 1 and math.min(ms, 2 ^ 31 - 1) or timeouts.DEFAULT
end

return timeouts
