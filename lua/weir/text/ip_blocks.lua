-- Sets of IP addresses and CIDR blocks, each with a value; asked for an address by its bytes.
--
-- Blocks are kept by family and length of their prefix, so a search takes as many looks into a
-- table as there are different lengths.
local bit = require("bit")
local ip = require("weir.text.ip")

local Blocks = {}
Blocks.__index = Blocks

local blocks = {}

-- The first so many bits of an address; what is left of a byte that is cut has zeros.
local function prefix(bytes, bits)
  local whole, rest = math.floor(bits / 8), bits % 8
  if rest == 0 then
    return bytes:sub(1, whole)
  end
  local mask = bit.lshift(0xff, 8 - rest)
  return bytes:sub(1, whole) .. string.char(bit.band(bytes:byte(whole + 1), mask))
end

local function by_length(a, b)
  return a.bits > b.bits
end

local function add(self, cidr, value)
  local bytes = ip.bytes(cidr.address)
  local lengths = self[#bytes]
  local length = lengths[cidr.bits]
  if not length then
    length = { bits = cidr.bits, values = {} }
    lengths[cidr.bits] = length
    table.insert(self.order[#bytes], length)
    table.sort(self.order[#bytes], by_length)
  end
  length.values[prefix(bytes, cidr.bits)] = value
end

--- Makes a set.
-- @tparam table values address or block (text) -> value
-- @treturn table|nil
-- @treturn nil|string what is wrong with one of the texts
function blocks.new(values)
  local self = setmetatable({ [4] = {}, [16] = {}, order = { [4] = {}, [16] = {} } }, Blocks)
  for text, value in pairs(values) do
    local cidr, err = ip.parse_cidr(text)
    if not cidr then
      return nil, err
    end
    add(self, cidr, value)
  end
  return self
end

--- The value of the smallest block that holds an address.
-- @tparam string bytes 4 or 16, as ip.bytes() gives them
-- @return the value; nil when no block holds it
function Blocks:find(bytes)
  local order = self.order[#bytes]
  for i = 1, #order do
    local value = order[i].values[prefix(bytes, order[i].bits)]
    if value ~= nil then
      return value
    end
  end
  return nil
end

return blocks
