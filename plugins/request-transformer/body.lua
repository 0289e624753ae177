-- The body of the request, as what its Content-Type says it is.

local cjson = require("cjson.safe")
local Form = require("kong.plugins.request-transformer.form")
local JsonObject = require("kong.plugins.request-transformer.json_object")
local Multipart = require("kong.plugins.request-transformer.multipart")

local body = {}

-- Media type -> { parse, how values are written }.
local kinds = {
  ["application/json"] = { parse = JsonObject.new, encode = cjson.encode },
  ["application/x-www-form-urlencoded"] = { parse = Form.new },
  ["multipart/form-data"] = { parse = Multipart.new },
}

local function kind_of(content_type)
  return kinds[content_type:lower():match("^%s*([^;%s]*)")]
end

-- The body, for which it is waited. One that is too large to be changed is not sent as it is: what
-- was to be removed from it might be secret.
local function read()
  local text, err = kong.request.get_raw_body()
  if not text then
    kong.log.warn("the body cannot be transformed: ", err)
    return kong.response.error(413)
  end
  return text
end

--- The body, taken apart.
-- @treturn table|nil with the methods that rules need, `changed` and encode(); nil when it is of
-- another type, or not what its type says
-- @treturn nil|function how values are written
function body.read()
  local content_type = kong.request.get_header("content-type")
  local kind = content_type and kind_of(content_type)
  if not kind then
    return nil
  end
  return kind.parse(read(), content_type), kind.encode
end

--- The body, where it is a form.
-- @treturn Form|nil
function body.read_form()
  local content_type = kong.request.get_header("content-type")
  if content_type and kind_of(content_type) == kinds["application/x-www-form-urlencoded"] then
    return Form.new(read())
  end
end

return body
