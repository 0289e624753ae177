-- What to change of responses. Fields and rules are Kong's.

local typedefs = require("kong.db.schema.typedefs")
local pairs_of = require("kong.plugins.request-transformer.pairs")
local json_value = require("kong.plugins.response-transformer.json_value")

local function list(elements)
  return { type = "array", required = true, default = {}, elements = elements }
end

local function texts(check)
  return list({ type = "string", custom_validator = check })
end

local function names(check_json, check_header)
  return { type = "record", required = true, fields = {
    { json = texts(check_json) }, { headers = texts(check_header) },
  } }
end

-- Values must be what the types at the same places of the other list say.
local function check_types(record)
  for i, kind in ipairs(record.json_types) do
    local name, value = pairs_of.split(record.json[i] or "")
    if name and not json_value(value, kind) then
      return nil, ("'%s' of key '%s' is not a %s"):format(value, name, kind)
    end
  end
  return true
end

local function values()
  return { type = "record", required = true, custom_validator = check_types, fields = {
    { json = texts(pairs_of.check) },
    { json_types = list({ type = "string", one_of = { "boolean", "number", "string" } }) },
    { headers = texts(pairs_of.check_header_pair) },
  } }
end

return {
  name = "response-transformer",
  fields = {
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = {
        { remove = names(nil, pairs_of.check_header) },
        { rename = names(pairs_of.check, pairs_of.check_header_names) },
        { replace = values() },
        { add = values() },
        { append = values() },
      },
    } },
  },
}
