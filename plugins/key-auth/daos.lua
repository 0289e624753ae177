-- The keys of consumers.

local of_consumer = require("kong.plugins.key-auth.of_consumer")

return {
  of_consumer {
    name = "keyauth_credentials",
    endpoint_key = "key",
    cache_key = { "key" },
    ttl = true,
    admin_api_name = "key-auths",
    admin_api_nested_name = "key-auth",
    fields = {
      { key = { type = "string", unique = true, auto = true, encrypted = true } },
    },
  },
}
