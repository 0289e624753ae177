-- The secrets that consumers sign requests with.

local of_consumer = require("kong.plugins.key-auth.of_consumer")

return {
  of_consumer {
    name = "hmacauth_credentials",
    endpoint_key = "username",
    cache_key = { "username" },
    admin_api_name = "hmac-auths",
    admin_api_nested_name = "hmac-auth",
    fields = {
      { username = { type = "string", required = true, unique = true } },
      { secret = { type = "string", auto = true, encrypted = true } },
    },
  },
}
