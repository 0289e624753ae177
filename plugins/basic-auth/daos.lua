-- The names and passwords of consumers.

local password = require("kong.plugins.basic-auth.password")
local of_consumer = require("kong.plugins.key-auth.of_consumer")

return {
  of_consumer {
    name = "basicauth_credentials",
    endpoint_key = "username",
    cache_key = { "username" },
    admin_api_name = "basic-auths",
    admin_api_nested_name = "basic-auth",
    fields = {
      { username = { type = "string", required = true, unique = true } },
      { password = { type = "string", required = true, encrypted = true } },
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
