-- What templates can refer to, of the current request.

local values = {}

local function captures()
  local all = kong.request.get_uri_captures()
  local merged = {}
  for i, text in ipairs(all.unnamed) do
    merged[i] = text
  end
  for name, text in pairs(all.named) do
    merged[name] = text
  end
  return merged
end

--- Reads them. They stay as they are then, whatever is changed of the request.
-- @treturn table by template.NAMES
function values.read()
  return {
    headers = kong.request.get_headers(),
    query_params = kong.request.get_query(),
    uri_captures = captures(),
    shared = kong.ctx.shared,
  }
end

return values
