-- Where requests are logged, and what is logged beside the usual. Fields are Kong's.

local typedefs = require("kong.db.schema.typedefs")

return {
  name = "file-log",
  fields = {
    { protocols = typedefs.protocols },
    { config = {
      type = "record",
      fields = {
        { path = {
          type = "string", required = true,
          match = "^[^*&%%\\`]+$", err = "not a valid filename",
        } },
        { reopen = { type = "boolean", required = true, default = false } },
        { custom_fields_by_lua = typedefs.lua_code },
      },
    } },
  },
}
