-- SNIs: the server names for which a listener presents a certificate.
local host = require("weir.text.host")
local typedefs = require("weir.schema.typedefs")

return {
  name = "snis",
  endpoint_key = "name",
  workspaceable = true,
  fields = {
    { id = typedefs.uuid },
    { created_at = typedefs.auto_timestamp_s },
    { updated_at = typedefs.auto_timestamp_s },
    { name = typedefs.wildcard_host { required = true, unique = true } },
    { certificate = { type = "foreign", reference = "certificates", required = true } },
    { tags = typedefs.tags },
  },
  transformations = { host.transformation("name") },
}
