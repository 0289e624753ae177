-- Bodies as tables, for kong.request and kong.service.response.
local cjson = require("kong.tools.cjson")
local arguments = require("weir.pdk.arguments")
local multipart = require("weir.pdk.multipart")

local bodies = {}

local FORM, JSON, MULTIPART =
  "application/x-www-form-urlencoded", "application/json", "multipart/form-data"

local decoders = {
  [FORM] = function(raw, max_args)
    return arguments.decode(raw, max_args)
  end,
  [JSON] = function(raw)
    local value = cjson.decode(raw)
    if type(value) ~= "table" then
      return nil, "invalid json body"
    end
    return value
  end,
  [MULTIPART] = function(raw, _, content_type)
    local boundary = multipart.boundary(content_type)
    local fields = boundary and multipart.decode(raw, boundary)
    if not fields then
      return nil, "unable to decode multipart body"
    end
    return fields
  end,
}

--- Reads and decodes a body: a form, JSON or multipart.
-- @tparam function read gives the body, or nil and why it cannot be had
-- @tparam ?string content_type of the message
-- @tparam ?string mimetype in place of that
-- @tparam number max_args of a form
-- @treturn table|nil
-- @treturn nil|string why not
-- @treturn string|nil the media type
function bodies.decode(read, content_type, mimetype, max_args)
  local said = mimetype or content_type
  if not said then
    return nil, "missing content type"
  end
  local mime = said:match("^%s*([^;%s]*)"):lower()
  local decode = decoders[mime]
  if not decode then
    return nil, ("unsupported content type '%s'"):format(said), said
  end
  local raw, err = read()
  if not raw then
    return nil, err, mime
  end
  local value
  value, err = decode(raw, max_args, content_type or said)
  return value, err, mime
end

return bodies
