-- Where requests carry keys, and what becomes of those without one. Fields are Kong's.

local typedefs = require("kong.db.schema.typedefs")

local function flag(default)
  return { type = "boolean", required = true, default = default }
end

return {
  name = "key-auth",
  fields = {
    { consumer = typedefs.no_consumer },
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = {
        { key_names = {
          type = "array", required = true, default = { "apikey" }, elements = typedefs.header_name,
        } },
        { hide_credentials = flag(false) },
        { anonymous = { type = "string" } },
        { key_in_header = flag(true) },
        { key_in_query = flag(true) },
        { key_in_body = flag(false) },
        { run_on_preflight = flag(true) },
        { realm = { type = "string" } },
      },
    } },
  },
}
