-- kong.tools.sha256.
local base64 = require("weir.text.base64")
local hash = require("weir.crypto.hash")
local hex = require("weir.text.hex")

local sha256 = {}

--- The digest of a text, 32 bytes.
function sha256.sha256_bin(text)
  return hash.once("sha256", text)
end

--- The same as hexadecimal digits.
function sha256.sha256_hex(text)
  return hex.encode(sha256.sha256_bin(text))
end

--- In base64.
function sha256.sha256_base64(text)
  return base64.encode(sha256.sha256_bin(text), false, true)
end

--- In base64 for URLs, without "=".
function sha256.sha256_base64url(text)
  return base64.encode(sha256.sha256_bin(text), true, false)
end

return sha256
