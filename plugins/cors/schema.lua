-- Which origins may read responses, and what preflight requests are told. Fields are Kong's.

local methods = require("kong.plugins.cors.methods")
local typedefs = require("kong.db.schema.typedefs")

local function check_origin(value)
  if value == "*" then
    return true
  end
  local _, _, err = ngx.re.find("", value)
  if err then
    return nil, ("'%s' is not a valid regex"):format(value)
  end
  return true
end

return {
  name = "cors",
  fields = {
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = {
        { origins = {
          type = "array", elements = { type = "string", custom_validator = check_origin },
        } },
        { headers = { type = "array", elements = { type = "string" } } },
        { exposed_headers = { type = "array", elements = { type = "string" } } },
        { methods = {
          type = "array", default = methods, elements = { type = "string", one_of = methods },
        } },
        { max_age = { type = "number" } },
        { credentials = { type = "boolean", required = true, default = false } },
        { preflight_continue = { type = "boolean", required = true, default = false } },
        { private_network = { type = "boolean", required = true, default = false } },
        { allow_origin_absent = { type = "boolean", required = true, default = true } },
      },
    } },
  },
}
