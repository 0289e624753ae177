-- kong.tools.uuid.
local uuid = require("weir.uuid")

return {
  uuid = uuid.v4,
  is_valid_uuid = uuid.is_valid,
}
