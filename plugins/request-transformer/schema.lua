-- What to change of requests. Fields and rules are Kong's.

local typedefs = require("kong.db.schema.typedefs")
local pairs_of = require("kong.plugins.request-transformer.pairs")
local template = require("kong.plugins.request-transformer.template")

-- Values may be templates.
local function with_template(check)
  return function(text)
    local ok, err = check(text)
    if not ok then
      return nil, err
    end
    local _, value = pairs_of.split(text)
    return template.check(value)
  end
end

local function list(check)
  return {
    type = "array", required = true, default = {},
    elements = { type = "string", custom_validator = check },
  }
end

local function lists(check, check_header, more)
  local fields = {
    { body = list(check) }, { headers = list(check_header) }, { querystring = list(check) },
  }
  fields[#fields + 1] = more
  return { type = "record", required = true, fields = fields }
end

local NAMES = lists(nil, pairs_of.check_header)
local RENAMED = lists(with_template(pairs_of.check), pairs_of.check_header_names)

local function values(more)
  return lists(with_template(pairs_of.check), with_template(pairs_of.check_header_pair), more)
end

return {
  name = "request-transformer",
  fields = {
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = {
        { http_method = typedefs.http_method },
        { remove = NAMES },
        { rename = RENAMED },
        { replace = values({ uri = { type = "string", custom_validator = template.check } }) },
        { add = values() },
        { append = values() },
      },
    } },
  },
}
