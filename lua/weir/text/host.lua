-- Hosts as configuration writes them: a name or an address, perhaps with a port.
--
-- Kong's are in ASCII. Here names may be in UTF-8, too: they stand for their A-labels, which are
-- what is kept.
local ip = require("weir.text.ip")

local host = {}

--- The same host with its name in ASCII; wildcards, a trailing dot and a port stay.
-- @tparam string text
-- @treturn string|nil
-- @treturn nil|string why it has no such form
function host.ascii(text)
  if not text:find("[\128-\255]") then
    return text
  end
  local whole, port = text:match("^([^:]*)(:[^:]*)$")
  local before, name, after = (whole or text):match("^(%*?%.?)(.-)(%.?%*?)$")
  -- Loaded on first use: most files have no such names, and only these need the core.
  local ascii, err = require("weir.core").host_ascii(name)
  return ascii and before .. ascii .. after .. (port or ""), err
end

--- The transformation (weir.schema) by which a field keeps its host, or its list of them, in ASCII.
function host.transformation(field)
  local function keep(value)
    if type(value) == "string" then
      return { [field] = host.ascii(value) }
    end
    for i, item in ipairs(value) do
      value[i] = host.ascii(item) or item
    end
  end
  return { input = { field }, on_write = keep, always = true }
end

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
-- @treturn table|nil { host = string in ASCII, port = number|nil, type = "name"|"ipv4"|"ipv6" }
-- @treturn nil|string "invalid hostname: …", "invalid port number" and the like
-- @treturn nil|string of a name in UTF-8, why it has no form in ASCII
function host.parse(s)
  local ascii, why = host.ascii(s)
  if not ascii then
    return nil, ("invalid hostname: %s (%s)"):format(s, why), why
  end
  local name, port_text, bracketed = split(ascii)
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
