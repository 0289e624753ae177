-- The groups of consumers.

local of_consumer = require("kong.plugins.key-auth.of_consumer")

return {
  of_consumer {
    name = "acls",
    cache_key = { "consumer", "group" },
    admin_api_name = "acls",
    admin_api_nested_name = "acls",
    fields = {
      { group = { type = "string", required = true } },
    },
  },
}
