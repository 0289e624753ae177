-- kong.tools.uuid.
local random = require("weir.text.random")
local uuid = require("weir.text.uuid")

return {
  uuid = random.uuid,
  is_valid_uuid = uuid.is_valid,
}
