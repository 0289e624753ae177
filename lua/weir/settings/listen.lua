-- Kong's listen syntax: `0.0.0.0:8000 reuseport backlog=16384, [::1]:8443 ssl`, or `off`.
local ip = require("weir.text.ip")
local suggest = require("weir.text.suggest")

local listen = {}

local MAX_BACKLOG = 65535

local function flag(name)
  return function(listener, value)
    if value then
      return nil, ("flag '%s' takes no value"):format(name)
    end
    listener[name] = true
    return true
  end
end

local function on_off(name)
  return function(listener, value)
    if value ~= "on" and value ~= "off" then
      return nil, ("flag '%s' must be '%s=on' or '%s=off'"):format(name, name, name)
    end
    listener[name] = value == "on"
    return true
  end
end

local FLAGS = {
  ssl = flag("ssl"),
  reuseport = flag("reuseport"),
  deferred = flag("deferred"),
  bind = flag("bind"),
  ipv6only = on_off("ipv6only"),
  so_keepalive = on_off("so_keepalive"),
  backlog = function(listener, value)
    local n = value and value:find("^%d+$") and tonumber(value)
    if not n or n < 1 or n > MAX_BACKLOG then
      return nil, ("flag 'backlog' must be 'backlog=N' with N between 1 and %d"):format(MAX_BACKLOG)
    end
    listener.backlog = n
    return true
  end,
}

-- Known to Kong and nginx. Ignoring one would make the listener speak something else than was asked
-- for.
local UNSUPPORTED = {
  http2 = true, proxy_protocol = true, udp = true, quic = true, http3 = true, fastopen = true,
  setfib = true, accept_filter = true, rcvbuf = true, sndbuf = true, default_server = true,
}

local function flag_names()
  local names = {}
  for name in pairs(FLAGS) do
    table.insert(names, name)
  end
  table.sort(names)
  return names
end

local function apply_flag(listener, word)
  local name, value = word:match("^([^=]+)=?(.-)$")
  value = word:find("=", 1, true) and value or nil
  if UNSUPPORTED[name] then
    return nil, ("flag '%s' is not supported by this version of weir"):format(name)
  elseif not FLAGS[name] then
    return nil, ("unknown flag '%s'%s"):format(word, suggest.phrase(name or word, flag_names()))
  end
  return FLAGS[name](listener, value)
end

local function parse_address(text)
  local host, port = text:match("^%[(.*)%]:(%d+)$")
  local family = host and ip.family(host) == 6 and 6
  if not host then
    host, port = text:match("^([^:]+):(%d+)$")
    host = host == "localhost" and "127.0.0.1" or host == "*" and "0.0.0.0" or host
    family = host and ip.family(host) == 4 and 4
  end
  port = tonumber(port)
  if not family or port > 65535 then
    return nil, ("'%s' is not of the form IP:PORT or [IPv6]:PORT"):format(text)
  end
  return { host = host, port = port, family = family }
end

local function parse_entry(text)
  local words = {}
  for word in text:gmatch("%S+") do
    table.insert(words, word)
  end
  if #words == 0 then
    return nil, "empty entry"
  end
  local listener, err = parse_address(words[1])
  if not listener then
    return nil, err
  end
  for i = 2, #words do
    local ok, flag_err = apply_flag(listener, words[i])
    if not ok then
      return nil, flag_err
    end
  end
  listener.ssl = listener.ssl or false
  listener.reuseport = listener.reuseport or false
  return listener
end

--- Parses a listen setting.
-- @tparam string text
-- @treturn {table,...}|nil listeners { host, port, family = 4|6, ssl, reuseport = booleans, and if
--   given: backlog = number, deferred, bind, ipv6only, so_keepalive = booleans }; empty for `off`
-- @treturn nil|string what is wrong
function listen.parse(text)
  if text:match("^%s*(.-)%s*$") == "off" then
    return {}
  end
  local listeners, seen = {}, {}
  for entry in (text .. ","):gmatch("([^,]*),") do
    local listener, err = parse_entry(entry)
    if not listener then
      return nil, err
    end
    local address = listen.address(listener)
    if seen[address] and listener.port ~= 0 then
      return nil, ("'%s' is given twice"):format(address)
    end
    seen[address] = true
    table.insert(listeners, listener)
  end
  return listeners
end

--- A listener's address as text.
-- @tparam table listener
-- @treturn string
function listen.address(listener)
  return (listener.family == 6 and "[%s]:%d" or "%s:%d"):format(listener.host, listener.port)
end

return listen
