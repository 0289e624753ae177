-- What signatures have to cover, and what becomes of requests without a good one. Fields are
-- Kong's.

local signature = require("kong.plugins.hmac-auth.signature")
local typedefs = require("kong.db.schema.typedefs")

local function flag()
  return { type = "boolean", required = true, default = false }
end

return {
  name = "hmac-auth",
  fields = {
    { consumer = typedefs.no_consumer },
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = {
        { hide_credentials = flag() },
        { clock_skew = { type = "number", default = 300, gt = 0 } },
        { anonymous = { type = "string" } },
        { validate_request_body = flag() },
        { enforce_headers = { type = "array", elements = { type = "string" }, default = {} } },
        { algorithms = {
          type = "array",
          elements = { type = "string", one_of = signature.ALGORITHMS },
          default = { "hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512" },
        } },
        { realm = { type = "string" } },
      },
    } },
  },
}
