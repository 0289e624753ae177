-- The keys that consumers' tokens are signed with.

local algorithms = require("kong.plugins.jwt.algorithms")
local pkey = require("resty.openssl.pkey")
local of_consumer = require("kong.plugins.key-auth.of_consumer")

local function check_public_key(text)
  local key, err = pkey.new(text)
  return key ~= nil, err and "invalid key"
end

return {
  of_consumer {
    name = "jwt_secrets",
    endpoint_key = "key",
    cache_key = { "key" },
    admin_api_name = "jwts",
    admin_api_nested_name = "jwt",
    fields = {
      { key = { type = "string", unique = true, auto = true } },
      { secret = { type = "string", auto = true, encrypted = true } },
      { rsa_public_key = { type = "string", custom_validator = check_public_key } },
      { algorithm = { type = "string", default = "HS256", one_of = algorithms.NAMES } },
    },
    entity_checks = {
      { conditional = {
        if_field = "algorithm", if_match = { match = "^[REP]" },
        then_field = "rsa_public_key", then_match = { required = true },
      } },
    },
  },
}
