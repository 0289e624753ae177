-- Bytes as hexadecimal digits.
local format, gsub = string.format, string.gsub

local hex = {}

local digits = {}
for i = 0, 255 do
  digits[string.char(i)] = format("%02x", i)
end

--- Two lower-case digits for each byte.
-- @tparam string text
-- @treturn string
function hex.encode(text)
  return (gsub(text, ".", digits))
end

return hex
