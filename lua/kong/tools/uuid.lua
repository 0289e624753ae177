-- kong.tools.uuid.
local random = require("weir.random")
local uuid = require("weir.uuid")

return {
  uuid = random.uuid,
  is_valid_uuid = uuid.is_valid,
}
