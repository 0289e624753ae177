-- The keys of consumers.

local typedefs = require("kong.db.schema.typedefs")

return {
  {
    name = "keyauth_credentials",
    primary_key = { "id" },
    endpoint_key = "key",
    cache_key = { "key" },
    workspaceable = true,
    ttl = true,
    admin_api_name = "key-auths",
    admin_api_nested_name = "key-auth",
    fields = {
      { id = typedefs.uuid },
      { created_at = typedefs.auto_timestamp_s },
      { consumer = {
        type = "foreign", reference = "consumers", required = true, on_delete = "cascade",
      } },
      { key = { type = "string", unique = true, auto = true, encrypted = true } },
      { tags = typedefs.tags },
    },
  },
}
