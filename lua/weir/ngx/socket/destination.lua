-- Where sockets lead.

--- Checks the arguments of connect() and setpeername().
-- @tparam string host name, address, or "unix:PATH"
-- @tparam ?number port
-- @tparam string method whose arguments they are
-- @treturn boolean whether it is a Unix socket
-- @treturn number the port, 0 for a Unix socket
return function(host, port, method)
  if type(host) ~= "string" then
    error(("bad argument #1 to '%s' (string expected, got %s)"):format(method, type(host)), 3)
  elseif host:sub(1, 5) == "unix:" then
    return true, 0
  end
  local number = tonumber(port)
  if not number or number < 0 or number > 65535 or number % 1 ~= 0 then
    error(("bad argument #2 to '%s' (bad port %s)"):format(method, tostring(port)), 3)
  end
  return false, number
end
