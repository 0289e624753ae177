-- Where requests carry tokens, and what tokens have to say. Fields are Kong's.

local typedefs = require("kong.db.schema.typedefs")

local function flag(default)
  return { type = "boolean", required = true, default = default }
end

local function names(default)
  return { type = "set", elements = { type = "string" }, default = default }
end

return {
  name = "jwt",
  fields = {
    { consumer = typedefs.no_consumer },
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = {
        { uri_param_names = names({ "jwt" }) },
        { cookie_names = names({}) },
        { header_names = names({ "authorization" }) },
        { key_claim_name = { type = "string", default = "iss" } },
        { secret_is_base64 = flag(false) },
        { claims_to_verify = {
          type = "set", elements = { type = "string", one_of = { "exp", "nbf" } },
        } },
        { maximum_expiration = { type = "number", default = 0, between = { 0, 31536000 } } },
        { anonymous = { type = "string" } },
        { run_on_preflight = flag(true) },
        { realm = { type = "string" } },
      },
    } },
  },
  entity_checks = {
    { conditional = {
      if_field = "config.maximum_expiration", if_match = { gt = 0 },
      then_field = "config.claims_to_verify",
      then_match = { required = true, contains = "exp" },
    } },
  },
}
