-- Where a Redis is that a plugin uses: the record `config.redis` of a plugin's schema.
local typedefs = require("weir.schema.typedefs")

return {
  type = "record", required = true,
  fields = {
    { host = typedefs.redis_host },
    { port = typedefs.port { default = 6379 } },
    { timeout = typedefs.timeout { default = 2000 } },
    { username = { type = "string", referenceable = true } },
    { password = { type = "string", referenceable = true, encrypted = true, len_min = 0 } },
    { database = { type = "integer", default = 0 } },
    { ssl = { type = "boolean", default = false } },
    { ssl_verify = { type = "boolean", default = false } },
    { server_name = typedefs.redis_server_name },
  },
}
