-- The head of a request as bytes. Nothing that goes into it can begin another line.
local encode_args = require("weir.ngx.uri").encode_args

local request = {}

local TOKEN = "^[%w!#$%%&'*+.^_`|~-]+$"

local function put_field(out, name, value)
  if type(value) == "table" then
    for _, item in ipairs(value) do
      local ok, err = put_field(out, name, item)
      if not ok then
        return nil, err
      end
    end
    return true
  end
  local text = tostring(value)
  if type(name) ~= "string" or not name:find(TOKEN) then
    return nil, ("'%s' is not the name of a header field"):format(tostring(name))
  elseif text:find("[%z\r\n]") then
    return nil, ("the header field '%s' has a line break or a NUL in it"):format(name)
  end
  out[#out + 1] = name .. ": " .. text .. "\r\n"
  return true
end

local function target_of(path, query)
  if type(query) == "table" then
    query = encode_args(query)
  end
  if query and query ~= "" then
    path = path .. (query:sub(1, 1) == "?" and "" or "?") .. query
  end
  return path
end

--- Makes it.
-- @tparam table what method, path, query, version (1.1 or 1.0)
-- @tparam table fields name -> value or list of values
-- @treturn string|nil
-- @treturn nil|string
function request.head(what, fields)
  local target = target_of(what.path, what.query)
  if not what.method:find(TOKEN) then
    return nil, ("'%s' is not a method"):format(what.method)
  elseif target:find("[%z\1-\32\127]") then
    return nil, "the path has a space or a control character in it"
  end
  local out = { ("%s %s HTTP/%.1f\r\n"):format(what.method, target, what.version) }
  for name, value in pairs(fields) do
    local ok, err = put_field(out, name, value)
    if not ok then
      return nil, err
    end
  end
  out[#out + 1] = "\r\n"
  return table.concat(out)
end

return request
