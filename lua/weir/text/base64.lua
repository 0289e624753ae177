-- Base64 in the core, on strings.
local ffi = require("ffi")
local abi = require("weir.abi")

local C = abi.C
local tonumber = tonumber

local base64 = {}

-- Room for most texts; longer ones get their own.
local ROOM = 4096
local usual = ffi.new("char[?]", ROOM)

local function room_for(size)
  return size <= ROOM and usual or ffi.new("char[?]", size)
end

--- Encodes bytes.
-- @tparam string text
-- @tparam boolean url in the alphabet for URLs
-- @tparam boolean pad with "=" at the end
-- @treturn string
function base64.encode(text, url, pad)
  local out = room_for(4 * math.floor((#text + 2) / 3))
  local n = C.weir_base64_encode(text, #text, url and 1 or 0, pad and 1 or 0, out)
  return ffi.string(out, tonumber(n))
end

--- Decodes, up to the first "=".
-- @tparam string text
-- @tparam boolean url in the alphabet for URLs
-- @treturn string|nil nil when it is not base64
function base64.decode(text, url)
  local out = room_for(3 * math.floor(#text / 4) + 2)
  local n = tonumber(C.weir_base64_decode(text, #text, url and 1 or 0, out))
  return n >= 0 and ffi.string(out, n) or nil
end

return base64
