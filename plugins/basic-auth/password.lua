-- How passwords are kept: as Kong does it, whose exports (`_transform: false`) have them like this.

local sha1 = require("resty.sha1")
local to_hex = require("resty.string").to_hex

local password = {}

--- What is kept of a consumer's password.
-- @tparam string text
-- @tparam string consumer_id
-- @treturn string
function password.hash(text, consumer_id)
  local digest = sha1:new()
  digest:update(text .. consumer_id)
  return to_hex(digest:final())
end

return password
