-- kong.tools.ip: addresses and names of hosts.
local address = require("weir.text.ip")

local ip = {}

local MAX_PORT = 65535

local FAMILIES = { [4] = "ipv4", [6] = "ipv6" }

--- Whether a text is an IP address.
-- @treturn boolean
function ip.is_valid_ip(text)
  return address.family(text) ~= nil
end

--- Whether a text is an address block, "10.0.0.0/8".
-- @treturn boolean
function ip.is_valid_cidr(text)
  return type(text) == "string" and text:find("/", 1, true) ~= nil
    and address.parse_cidr(text) ~= nil
end

--- @treturn boolean
function ip.is_valid_ip_or_cidr(text)
  return ip.is_valid_ip(text) or ip.is_valid_cidr(text)
end

-- Cuts "host", "host:port", "[v6]:port" and a bare IPv6 address. nil: the port is none.
local function split(text)
  local host, port = text:match("^(%[[^%]]*%]):?(%d*)$")
  if not host and select(2, text:gsub(":", "")) > 1 then
    return text, nil, true
  elseif not host then
    host, port = text:match("^([^:]*):?(.*)$")
  end
  if port == "" then
    return host, nil, true
  end
  port = port:find("^%d+$") and tonumber(port)
  return host, port, port and port <= MAX_PORT or false
end

local function bare(host)
  return host:match("^%[(.*)%]$") or host
end

--- What a host, with or without port, is.
-- @tparam string text
-- @treturn string "ipv4", "ipv6" or "name"
function ip.hostname_type(text)
  return FAMILIES[address.family(bare((split(text))))] or "name"
end

local function normalize(text, family)
  local host, port, ok = split(text)
  if not ok or address.family(bare(host)) ~= family then
    return nil, ("invalid %s address: %s"):format(FAMILIES[family], text)
  end
  return host, port
end

--- @tparam string text address, with or without port
-- @treturn string|nil the address
-- @treturn number|string|nil the port, or what is wrong
function ip.normalize_ipv4(text)
  return normalize(text, 4)
end

--- The same of an IPv6 address, which gets its brackets.
function ip.normalize_ipv6(text)
  local host, port = normalize(text, 6)
  if not host then
    return nil, port
  end
  return "[" .. bare(host):lower() .. "]", port
end

local function is_hostname(text)
  return #text <= 253 and text:find("^[%w_*][%w_*.-]*$") ~= nil and not text:find("..", 1, true)
end

--- Cuts an address or a name, with or without port.
-- @treturn table|nil host, port, type
-- @treturn nil|string what is wrong
function ip.normalize_ip(text)
  local kind = ip.hostname_type(text)
  local host, port
  if kind == "ipv4" then
    host, port = ip.normalize_ipv4(text)
  elseif kind == "ipv6" then
    host, port = ip.normalize_ipv6(text)
  else
    local ok
    host, port, ok = split(text)
    if not ok or not is_hostname(host) then
      return nil, "invalid hostname: " .. text
    end
  end
  if not host then
    return nil, port
  end
  return { host = host, port = port, type = kind }
end

--- Puts host and port together.
-- @tparam table|string host or what normalize_ip() returned
-- @tparam ?number port
-- @treturn string|nil
-- @treturn nil|string what is wrong
function ip.format_host(host, port)
  if type(host) == "table" then
    host, port = host.host, host.port
  end
  local parsed, err = ip.normalize_ip(host)
  if not parsed then
    return nil, err
  end
  port = port or parsed.port
  return port and ("%s:%d"):format(parsed.host, port) or parsed.host
end

return ip
