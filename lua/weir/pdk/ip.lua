-- kong.ip: which addresses are trusted (`trusted_ips`).
local address = require("weir.text.ip")
local configuration = require("weir.pdk.configuration")
local ip_blocks = require("weir.text.ip_blocks")

local ip = {}

-- The blocks of the setting, parsed when it is first asked for.
local blocks, parsed_from = ip_blocks.new({}), nil

local function trusted_blocks()
  local list = configuration.get("trusted_ips")
  if list ~= parsed_from then
    local values = {}
    for _, text in ipairs(list or {}) do
      values[text] = true
    end
    blocks, parsed_from = assert(ip_blocks.new(values)), list
  end
  return blocks
end

--- Whether an address lies in one of the blocks of `trusted_ips`.
-- @tparam string text an address
-- @treturn boolean
function ip.is_trusted(text)
  if type(text) ~= "string" then
    error("address must be a string", 2)
  end
  local bytes = address.bytes(text)
  return bytes ~= nil and trusted_blocks():find(bytes) ~= nil
end

return ip
