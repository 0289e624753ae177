-- Functions of ngx that give digests.
local bit = require("bit")
local hash = require("weir.crypto.hash")
local hex = require("weir.text.hex")

local band, bnot, bxor, rshift = bit.band, bit.bnot, bit.bxor, bit.rshift
local byte, tostring = string.byte, tostring

local digest = {}

local function digest_of(name, text, key)
  return hash.once(name, tostring(text), key) or error("the system allows no " .. name, 3)
end

--- MD5 in hexadecimal digits.
-- @tparam string text
-- @treturn string
function digest.md5(text)
  return hex.encode(digest_of("md5", text))
end

--- MD5, 16 bytes.
-- @tparam string text
-- @treturn string
function digest.md5_bin(text)
  return digest_of("md5", text)
end

--- SHA-1, 20 bytes.
-- @tparam string text
-- @treturn string
function digest.sha1_bin(text)
  return digest_of("sha1", text)
end

--- HMAC with SHA-1, 20 bytes.
-- @tparam string key
-- @tparam string text
-- @treturn string
function digest.hmac_sha1(key, text)
  return digest_of("sha1", text, tostring(key))
end

-- The remainders of CRC-32's polynomial for each byte, its bits in reverse order.
local remainders = {}
for i = 0, 255 do
  local remainder = i
  for _ = 1, 8 do
    local carry = band(remainder, 1)
    remainder = rshift(remainder, 1)
    if carry == 1 then
      remainder = bxor(remainder, 0xEDB88320)
    end
  end
  remainders[i] = remainder
end

--- CRC-32 as of Ethernet and zip.
-- @tparam string text
-- @treturn number 0 to 4294967295
function digest.crc32_long(text)
  text = tostring(text)
  local crc = bnot(0)
  for i = 1, #text do
    crc = bxor(rshift(crc, 8), remainders[band(bxor(crc, byte(text, i)), 255)])
  end
  return bnot(crc) % 2 ^ 32
end

--- The same number as crc32_long(); OpenResty has two ways to compute it.
digest.crc32_short = digest.crc32_long

return digest
