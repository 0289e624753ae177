-- The names and passwords of consumers.

local password = require("kong.plugins.basic-auth.password")
local typedefs = require("kong.db.schema.typedefs")

return {
  {
    name = "basicauth_credentials",
    primary_key = { "id" },
    endpoint_key = "username",
    cache_key = { "username" },
    workspaceable = true,
    admin_api_name = "basic-auths",
    admin_api_nested_name = "basic-auth",
    fields = {
      { id = typedefs.uuid },
      { created_at = typedefs.auto_timestamp_s },
      { consumer = {
        type = "foreign", reference = "consumers", required = true, on_delete = "cascade",
      } },
      { username = { type = "string", required = true, unique = true } },
      { password = { type = "string", required = true, encrypted = true } },
      { tags = typedefs.tags },
    },
    transformations = {
      {
        input = { "password" },
        needs = { "consumer.id" },
        on_write = function(text, consumer_id)
          return { password = password.hash(text, consumer_id) }
        end,
      },
    },
  },
}
