-- ngx.encode_base64 and ngx.decode_base64.
local codec = require("weir.text.base64")

local base64 = {}

--- Encodes bytes.
-- @tparam string text
-- @tparam ?boolean no_padding
-- @treturn string
function base64.encode_base64(text, no_padding)
  return codec.encode(tostring(text), false, not no_padding)
end

--- Decodes, with or without padding.
-- @tparam string text
-- @treturn string|nil nil when it is no base64
function base64.decode_base64(text)
  if type(text) ~= "string" then
    error("string argument only", 2)
  end
  return codec.decode(text, false)
end

return base64
