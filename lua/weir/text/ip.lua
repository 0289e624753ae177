-- IP addresses and CIDR blocks in their text forms, in plain Lua.
local ip = {}

local function ipv4_bytes(s)
  local octets = { s:match("^(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)$") }
  if #octets ~= 4 then
    return nil
  end
  for i, text in ipairs(octets) do
    -- A leading zero means octal to some C libraries: ambiguous, so refused.
    if #text > 1 and text:sub(1, 1) == "0" then
      return nil
    end
    octets[i] = tonumber(text)
    if octets[i] > 255 then
      return nil
    end
  end
  return octets
end

-- Appends the 16-bit groups of one side of "::" to `groups`; the last may be a dotted IPv4 address.
local function append_groups(groups, text, allow_ipv4)
  if text == "" then
    return true
  end
  local pieces = {}
  for piece in (text .. ":"):gmatch("([^:]*):") do
    pieces[#pieces + 1] = piece
  end
  for i, piece in ipairs(pieces) do
    if piece:find("^%x%x?%x?%x?$") then
      groups[#groups + 1] = tonumber(piece, 16)
    else
      local v4 = allow_ipv4 and i == #pieces and ipv4_bytes(piece)
      if not v4 then
        return false
      end
      groups[#groups + 1] = v4[1] * 256 + v4[2]
      groups[#groups + 1] = v4[3] * 256 + v4[4]
    end
  end
  return true
end

local function ipv6_groups(s)
  local left, right = s:match("^(.-)::(.*)$")
  if not left then
    local groups = {}
    return append_groups(groups, s, true) and #groups == 8 and groups or nil
  end
  if right:find("::", 1, true) then
    return nil
  end
  local head, tail = {}, {}
  if not append_groups(head, left, false) or not append_groups(tail, right, true) then
    return nil
  end
  local missing = 8 - #head - #tail
  if missing < 1 then
    return nil
  end
  for _ = 1, missing do
    head[#head + 1] = 0
  end
  for _, group in ipairs(tail) do
    head[#head + 1] = group
  end
  return head
end

--- The family of an IP address literal (without brackets, zone or prefix length).
-- @tparam string s
-- @treturn number|nil 4, 6, or nil when `s` is no address
function ip.family(s)
  if type(s) ~= "string" then
    return nil
  elseif ipv4_bytes(s) then
    return 4
  elseif s:find(":", 1, true) and ipv6_groups(s) then
    return 6
  end
  return nil
end

--- Parses `address` or `address/bits`.
-- @tparam string s
-- @treturn table|nil { address = string, family = 4|6, bits = number }
-- @treturn nil|string what is wrong
function ip.parse_cidr(s)
  local address, bits = s:match("^([^/]+)/(%d%d?%d?)$")
  if not address then
    if s:find("/", 1, true) then
      return nil, "invalid prefix length in '" .. s .. "'"
    end
    address = s
  end
  local family = ip.family(address)
  if not family then
    return nil, "invalid IP address '" .. address .. "'"
  end
  local width = family == 4 and 32 or 128
  bits = bits and tonumber(bits) or width
  if bits > width then
    return nil, ("prefix length of '%s' exceeds %d"):format(s, width)
  end
  return { address = address, family = family, bits = bits }
end

--- The value of an address literal.
-- @tparam string s
-- @treturn table|nil octets of an IPv4 address, 16-bit groups of an IPv6 address
-- @treturn number|nil bits in each of them
function ip.groups(s)
  local octets = ipv4_bytes(s)
  if octets then
    return octets, 8
  end
  local groups = s:find(":", 1, true) and ipv6_groups(s)
  if groups then
    return groups, 16
  end
  return nil
end

--- The bytes of an address literal, as they stand in packets.
-- @tparam string s
-- @treturn string|nil 4 or 16 bytes
function ip.bytes(s)
  local groups, bits = ip.groups(s)
  if not groups then
    return nil
  elseif bits == 8 then
    return string.char(unpack(groups))
  end
  local bytes = {}
  for i, group in ipairs(groups) do
    bytes[i] = string.char(math.floor(group / 256), group % 256)
  end
  return table.concat(bytes)
end

return ip
