-- ngx.base64: base64 in the alphabet for URLs.
local codec = require("weir.text.base64")

local base64 = {}

--- Encodes bytes, without padding.
-- @tparam string text
-- @treturn string
function base64.encode_base64url(text)
  if type(text) ~= "string" then
    error("must provide a string", 2)
  end
  return codec.encode(text, true, false)
end

--- Decodes, with or without padding.
-- @tparam string text
-- @treturn string|nil
-- @treturn nil|string
function base64.decode_base64url(text)
  if type(text) ~= "string" then
    error("must provide a string", 2)
  end
  local plain = codec.decode(text, true)
  if not plain then
    return nil, "invalid input"
  end
  return plain
end

return base64
