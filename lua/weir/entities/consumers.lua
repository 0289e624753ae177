-- Consumers: those whose requests plugins recognise, by credentials.
local typedefs = require("weir.schema.typedefs")

return {
  name = "consumers",
  endpoint_key = "username",
  workspaceable = true,
  fields = {
    { id = typedefs.uuid },
    { created_at = typedefs.auto_timestamp_s },
    { updated_at = typedefs.auto_timestamp_s },
    { username = { type = "string", unique = true } },
    { custom_id = { type = "string", unique = true } },
    { tags = typedefs.tags },
  },
  entity_checks = { { at_least_one_of = { "custom_id", "username" } } },
}
