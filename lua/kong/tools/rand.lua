-- kong.tools.rand.
local base64 = require("weir.text.base64")
local core = require("weir.core")

local rand = {}

local CHARACTERS, BYTES = 32, 24

--- Random bytes, cryptographically strong.
-- @tparam number count
-- @treturn string
function rand.get_rand_bytes(count)
  return core.random(count)
end

--- 32 random letters and digits.
-- @treturn string
function rand.random_string()
  local text = ""
  while #text < CHARACTERS do
    text = text .. base64.encode(core.random(BYTES), false, false):gsub("[+/]", "")
  end
  return text:sub(1, CHARACTERS)
end

return rand
