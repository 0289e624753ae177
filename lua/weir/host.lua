-- Hosts as configuration writes them: a name or an address, perhaps with a port.
local ip = require("weir.ip")

local host = {}

local function is_name(s)
  if #s > 255 or s:sub(-1) == "." and #s == 1 then
    return false
  end
  local name = s:gsub("%.$", "")
  if name == "" or name:find("..", 1, true) or name:sub(1, 1) == "." then
    return false
  end
  -- Only digits and dots: a mistyped IPv4 address, never a name.
  if name:find("^[%d%.]+$") then
    return false
  end
  for label in name:gmatch("[^.]+") do
    if #label > 63 or not label:find("^[%w_]") or not label:find("^[%w_-]*[%w_]$") then
      return false
    end
  end
  return true
end

local function parse_port(text)
  local port = text:find("^%d+$") and tonumber(text)
  return port and port <= 65535 and port or nil
end

-- Splits off the port. An IPv6 address needs brackets to carry one.
local function split(s)
  local inner, rest = s:match("^%[(.-)%](.*)$")
  if inner then
    if rest == "" then
      return inner, nil, true
    end
    local port = rest:match("^:(.*)$")
    return port and inner, port, true
  end
  local name, port = s:match("^([^:]*):([^:]*)$")
  if name then
    return name, port
  end
  return s, nil
end

--- Parses `name`, `name:port`, `1.2.3.4:port`, `::1` or `[::1]:port`.
-- @tparam string s
-- @treturn table|nil { host = string, port = number|nil, type = "name"|"ipv4"|"ipv6" }
-- @treturn nil|string "invalid hostname: …", "invalid port number" and the like
function host.parse(s)
  local name, port_text, bracketed = split(s)
  local family = name and ip.family(name)
  local kind
  if family == 6 then
    kind = "ipv6"
  elseif bracketed then
    return nil, "invalid ipv6 address: " .. s
  elseif family == 4 then
    kind = "ipv4"
  elseif is_name(name) then
    kind = "name"
  else
    return nil, "invalid hostname: " .. s
  end
  local port
  if port_text then
    port = parse_port(port_text)
    if not port then
      return nil, "invalid port number"
    end
  end
  return { host = name, port = port, type = kind }
end

--- Puts a host and a port together, with brackets around an IPv6 address.
-- @tparam string name
-- @tparam ?number port without one the host alone, without brackets
-- @treturn string
function host.format(name, port)
  if not port then
    return name
  end
  return (name:find(":", 1, true) and "[%s]:%d" or "%s:%d"):format(name, port)
end

--- The one spelling of a host, to compare it by: lower case, no final dot, addresses by their
-- value.
-- @tparam string name a host that parse() gave
-- @treturn string
function host.canonical(name)
  local groups, bits = ip.groups(name)
  if bits == 16 then
    for i, group in ipairs(groups) do
      groups[i] = ("%x"):format(group)
    end
    return table.concat(groups, ":")
  end
  return (name:lower():gsub("%.$", ""))
end

return host
