-- resty.string.
local hex = require("weir.text.hex")

return {
  _VERSION = "0.16",
  to_hex = hex.encode,
  --- The whole number that a text begins with, 0 when there is none.
  atoi = function(text)
    return tonumber(text:match("^%s*([+-]?%d+)")) or 0
  end,
}
