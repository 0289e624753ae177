-- The field that carries an id with each request, and how ids look. Fields are Kong's.

local typedefs = require("kong.db.schema.typedefs")

return {
  name = "correlation-id",
  fields = {
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = {
        { header_name = typedefs.header_name({ default = "Kong-Request-ID" }) },
        { generator = {
          type = "string",
          required = true,
          default = "uuid#counter",
          one_of = { "uuid", "uuid#counter", "tracker" },
        } },
        { echo_downstream = { type = "boolean", required = true, default = false } },
      },
    } },
  },
}
