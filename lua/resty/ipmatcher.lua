-- resty.ipmatcher: whether an address lies in one of many blocks.
local ip = require("weir.text.ip")
local ip_blocks = require("weir.text.ip_blocks")

local ipmatcher = {}

local Matcher = {}
Matcher.__index = Matcher

local INVALID = "invalid ip address, not ipv4 and ipv6"

local function check_list(list)
  if type(list) ~= "table" then
    error("missing valid ip argument", 3)
  end
end

local function matcher_of(values)
  for text in pairs(values) do
    if type(text) ~= "string" or not ip.parse_cidr(text) then
      return nil, "invalid ip address: " .. tostring(text)
    end
  end
  return setmetatable({ blocks = ip_blocks.new(values) }, Matcher)
end

--- Makes a matcher that answers true.
-- @tparam {string,...} list addresses and blocks
-- @treturn table|nil
-- @treturn nil|string
function ipmatcher.new(list)
  check_list(list)
  local values = {}
  for _, text in ipairs(list) do
    values[text] = true
  end
  return matcher_of(values)
end

--- Makes a matcher that answers the value of the smallest block.
-- @tparam table values address or block -> value
-- @treturn table|nil
-- @treturn nil|string
function ipmatcher.new_with_value(values)
  check_list(values)
  return matcher_of(values)
end

--- The value of the block that an address lies in.
-- @tparam string text an address
-- @return false when it lies in none
-- @treturn nil|string
function Matcher:match(text)
  if type(text) ~= "string" then
    error("invalid argument ip", 2)
  end
  local bytes = ip.bytes(text)
  if not bytes then
    return false, INVALID
  end
  return self.blocks:find(bytes) or false
end

--- The same of an address as ngx.var.binary_remote_addr has it.
-- @tparam string bytes 4 or 16
-- @return false when it lies in none
-- @treturn nil|string
function Matcher:match_bin(bytes)
  if type(bytes) ~= "string" then
    error("invalid argument bin_ip", 2)
  elseif #bytes ~= 4 and #bytes ~= 16 then
    return false, INVALID
  end
  return self.blocks:find(bytes) or false
end

-- Big-endian numbers of four bytes each.
local function words(bytes)
  local numbers = {}
  for at = 1, #bytes, 4 do
    local a, b, c, d = bytes:byte(at, at + 3)
    table.insert(numbers, ((a * 256 + b) * 256 + c) * 256 + d)
  end
  return numbers
end

local function parse(text, length)
  local bytes = type(text) == "string" and ip.bytes(text)
  return bytes and #bytes == length and words(bytes) or false
end

--- @treturn number|boolean the value of an IPv4 address; false when the text is none
function ipmatcher.parse_ipv4(text)
  local numbers = parse(text, 4)
  return numbers and numbers[1]
end

--- @treturn {number,...}|boolean the four words of an IPv6 address; false when the text is none
function ipmatcher.parse_ipv6(text)
  return parse(text, 16)
end

return ipmatcher
