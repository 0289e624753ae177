-- kong.ip: which addresses are trusted (`trusted_ips`).
local bit = require("bit")
local address = require("weir.text.ip")
local configuration = require("weir.pdk.configuration")

local band, lshift = bit.band, bit.lshift

local ip = {}

-- The blocks of the setting, parsed when it is first asked for: { groups, width, bits }.
local blocks, parsed_from = {}, nil

local function parse(list)
  local result = {}
  for i, text in ipairs(list or {}) do
    local cidr = assert(address.parse_cidr(text))
    local groups, width = address.groups(cidr.address)
    result[i] = { groups = groups, width = width, bits = cidr.bits }
  end
  return result
end

local function trusted_blocks()
  local list = configuration.get("trusted_ips")
  if list ~= parsed_from then
    blocks, parsed_from = parse(list), list
  end
  return blocks
end

local function contains(block, groups, width)
  if block.width ~= width then
    return false
  end
  local left = block.bits
  for i = 1, #groups do
    if left <= 0 then
      break
    end
    local used = math.min(left, width)
    local mask = lshift(lshift(1, used) - 1, width - used)
    if band(groups[i], mask) ~= band(block.groups[i], mask) then
      return false
    end
    left = left - used
  end
  return true
end

--- Whether an address lies in one of the blocks of `trusted_ips`.
-- @tparam string text an address
-- @treturn boolean
function ip.is_trusted(text)
  if type(text) ~= "string" then
    error("address must be a string", 2)
  end
  local groups, width = address.groups(text)
  if not groups then
    return false
  end
  local list = trusted_blocks()
  for i = 1, #list do
    if contains(list[i], groups, width) then
      return true
    end
  end
  return false
end

return ip
