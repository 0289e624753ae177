-- ngx.encode_base64 and ngx.decode_base64.
local ffi = require("ffi")

local tostring, type = tostring, type

local base64 = {}

local ENCODED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local digits, values = {}, {}
for i = 1, #ENCODED do
  digits[i - 1] = ENCODED:byte(i)
  values[ENCODED:byte(i)] = i - 1
end
local PAD = ("="):byte()

--- Encodes bytes.
-- @tparam string text
-- @tparam ?boolean no_padding
-- @treturn string
function base64.encode_base64(text, no_padding)
  text = type(text) == "string" and text or tostring(text)
  local out = ffi.new("uint8_t[?]", math.ceil(#text / 3) * 4 + 1)
  local at = 0
  for i = 1, #text, 3 do
    local a, b, c = text:byte(i, i + 2)
    local bits = a * 65536 + (b or 0) * 256 + (c or 0)
    out[at] = digits[math.floor(bits / 262144)]
    out[at + 1] = digits[math.floor(bits / 4096) % 64]
    out[at + 2] = b and digits[math.floor(bits / 64) % 64] or PAD
    out[at + 3] = c and digits[bits % 64] or PAD
    at = at + 4
  end
  if no_padding then
    at = at - (3 - #text % 3) % 3
  end
  return ffi.string(out, at)
end

--- Decodes, with or without padding.
-- @tparam string text
-- @treturn string|nil nil when it is no base64
function base64.decode_base64(text)
  if type(text) ~= "string" then
    error("string argument only", 2)
  end
  local body = text:gsub("=?=$", "")
  if #body % 4 == 1 then
    return nil
  end
  local out = ffi.new("uint8_t[?]", math.floor(#body * 3 / 4) + 1)
  local at, bits, have = 0, 0, 0
  for i = 1, #body do
    local value = values[body:byte(i)]
    if not value then
      return nil
    end
    bits, have = bits * 64 + value, have + 6
    if have >= 8 then
      have = have - 8
      out[at] = math.floor(bits / 2 ^ have)
      bits = bits % 2 ^ have
      at = at + 1
    end
  end
  return ffi.string(out, at)
end

return base64
