-- The keys that consumers' tokens are signed with.

local algorithms = require("kong.plugins.jwt.algorithms")
local pkey = require("resty.openssl.pkey")
local typedefs = require("kong.db.schema.typedefs")

local function check_public_key(text)
  local key, err = pkey.new(text)
  return key ~= nil, err and "invalid key"
end

return {
  {
    name = "jwt_secrets",
    primary_key = { "id" },
    endpoint_key = "key",
    cache_key = { "key" },
    workspaceable = true,
    admin_api_name = "jwts",
    admin_api_nested_name = "jwt",
    fields = {
      { id = typedefs.uuid },
      { created_at = typedefs.auto_timestamp_s },
      { consumer = {
        type = "foreign", reference = "consumers", required = true, on_delete = "cascade",
      } },
      { key = { type = "string", unique = true, auto = true } },
      { secret = { type = "string", auto = true, encrypted = true } },
      { rsa_public_key = { type = "string", custom_validator = check_public_key } },
      { algorithm = { type = "string", default = "HS256", one_of = algorithms.NAMES } },
      { tags = typedefs.tags },
    },
    entity_checks = {
      { conditional = {
        if_field = "algorithm", if_match = { match = "^[REP]" },
        then_field = "rsa_public_key", then_match = { required = true },
      } },
    },
  },
}
