-- Random UUIDs for the request path: the system is asked for random bytes by the page, and the text
-- is put together without garbage beside it.
local bit = require("bit")
local ffi = require("ffi")
local abi = require("weir.abi")

local C = abi.C
local band, bor, rshift = bit.band, bit.bor, bit.rshift
local ffi_string = ffi.string

local PAGE, UUID_BYTES, UUID_TEXT = 4096, 16, 36

local random = {}

-- Each byte is used once.
local page = ffi.new("uint8_t[?]", PAGE)
local used = PAGE

local digits = ffi.new("uint8_t[16]", { ("0123456789abcdef"):byte(1, 16) })
local text = ffi.new("uint8_t[?]", UUID_TEXT)

-- Where in the text the two digits of each byte go; between them are dashes, which stay.
local places = ffi.new("uint8_t[16]",
  { 0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34 })
for _, dash in ipairs({ 8, 13, 18, 23 }) do
  text[dash] = ("-"):byte()
end

local function refill()
  if C.weir_random(ffi.cast("char *", page), PAGE) < 0 then
    error("the system gives no random bytes", 0)
  end
  used = 0
end

--- A random UUID, version 4.
-- @treturn string
function random.uuid()
  if used + UUID_BYTES > PAGE then
    refill()
  end
  local from = used
  used = used + UUID_BYTES
  page[from + 6] = bor(band(page[from + 6], 0x0F), 0x40)
  page[from + 8] = bor(band(page[from + 8], 0x3F), 0x80)
  for i = 0, UUID_BYTES - 1 do
    local byte, place = page[from + i], places[i]
    text[place] = digits[rshift(byte, 4)]
    text[place + 1] = digits[band(byte, 15)]
  end
  return ffi_string(text, UUID_TEXT)
end

return random
