-- URIs as an HTTP client needs them: where to connect to, and what to ask for there.

local uri = {}

local PORTS = { http = 80, https = 443 }

--- Takes one apart.
-- @tparam string text
-- @treturn table|nil { scheme, host, port, path, query }; query is "" where there is none
-- @treturn nil|string
function uri.parse(text)
  local scheme, authority, rest = text:match("^(%a[%w+.-]*)://([^/?#]*)([^#]*)")
  scheme = scheme and scheme:lower()
  if not PORTS[scheme] then
    return nil, "bad uri: " .. text
  end
  local host, port = authority:match("^(%[[%x:.]+%]):?(%d*)$")
  if not host then
    host, port = authority:match("^([^@:%s%c]+):?(%d*)$")
  end
  port = port == "" and PORTS[scheme] or tonumber(port)
  if not host or not port or port > 65535 then
    return nil, "bad uri: " .. text
  end
  local path, query = rest:match("^([^?]*)%??(.*)$")
  return {
    scheme = scheme, host = host, port = port, path = path == "" and "/" or path, query = query,
  }
end

--- The Host field for a place to connect to.
-- @tparam ?string scheme
-- @tparam string host
-- @tparam ?number port
-- @treturn string
function uri.authority(scheme, host, port)
  if host:sub(1, 5) == "unix:" then
    return "localhost"
  elseif not port or port == PORTS[scheme or "http"] then
    return host
  end
  return ("%s:%d"):format(host, port)
end

return uri
