-- kong.pdk.private.rate_limiting: the header fields that plugins which limit rates write, kept with
-- the request until they are all known.
local header = require("weir.ngx.header")

local KEY = "__rate_limiting_context__"

local rate_limiting = {}

local function check_key(key)
  if type(key) ~= "string" then
    error(("arg #2 key must be a string, got %s"):format(type(key)), 3)
  end
end

--- Keeps a field for the response.
-- @tparam table ctx ngx.ctx
-- @tparam string key name of the field
-- @tparam string|number value
function rate_limiting.store_response_header(ctx, key, value)
  check_key(key)
  if type(value) ~= "string" and type(value) ~= "number" then
    error(("arg #3 value must be a string or a number, got %s"):format(type(value)), 2)
  end
  local fields = ctx[KEY] or {}
  ctx[KEY] = fields
  fields[key] = value
end

--- A field that is kept.
-- @tparam table ctx ngx.ctx
-- @tparam string key name of the field
-- @treturn string|number|nil
function rate_limiting.get_stored_response_header(ctx, key)
  check_key(key)
  return ctx[KEY] and ctx[KEY][key]
end

--- Writes what is kept into the response.
-- @tparam table ctx ngx.ctx
function rate_limiting.apply_response_headers(ctx)
  for key, value in pairs(ctx[KEY] or {}) do
    header[key] = value
  end
end

return rate_limiting
