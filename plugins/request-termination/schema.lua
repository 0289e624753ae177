-- What to answer instead of proxying. Fields and rules are Kong's.

local typedefs = require("kong.db.schema.typedefs")

local function is_present(value)
  return type(value) == "string" and value ~= ""
end

return {
  name = "request-termination",
  fields = {
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = {
        { status_code = {
          type = "integer", required = true, default = 503, between = { 100, 599 },
        } },
        { message = { type = "string" } },
        { content_type = { type = "string" } },
        { body = { type = "string" } },
        { echo = { type = "boolean", required = true, default = false } },
        { trigger = typedefs.header_name },
      },
      custom_validator = function(config)
        local own = is_present(config.content_type) or is_present(config.body)
        if is_present(config.message) and own then
          return nil, "message cannot be used with content_type or body"
        elseif is_present(config.content_type) and not is_present(config.body) then
          return nil, "content_type requires a body"
        elseif config.echo and own then
          return nil, "echo cannot be used with content_type and body"
        end
        return true
      end,
    } },
  },
}
