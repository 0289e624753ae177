-- The echo plugin has nothing to configure.

local typedefs = require("kong.db.schema.typedefs")

return {
  name = "echo",
  fields = {
    { consumer = typedefs.no_consumer },
    { protocols = typedefs.protocols_http },
    { config = { type = "record", fields = {} } },
  },
}
