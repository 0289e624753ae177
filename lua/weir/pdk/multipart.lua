-- multipart/form-data bodies: to a table of fields, and back.
local arguments = require("weir.pdk.arguments")

local multipart = {}

--- The boundary that a Content-Type names.
-- @treturn string|nil
function multipart.boundary(content_type)
  return content_type:match('boundary="([^"]+)"') or content_type:match("boundary=([^;%s,]+)")
end

local function plain_find(text, what, from)
  return text:find(what, from, true)
end

-- The name of a part, from the lines before its empty line.
local function part_name(head)
  for line in (head .. "\r\n"):gmatch("(.-)\r\n") do
    local field, value = line:match("^([^:]+):%s*(.*)$")
    if field and field:lower() == "content-disposition" then
      return value:match('[;%s]name="([^"]*)"') or value:match("[;%s]name=([^;%s]+)")
    end
  end
end

--- Decodes a body.
-- @tparam string body
-- @tparam string boundary
-- @treturn table|nil name -> content of the first part of that name
function multipart.decode(body, boundary)
  local mark = "--" .. boundary
  local fields = {}
  local _, at = plain_find("\r\n" .. body, "\r\n" .. mark, 1)
  if not at then
    return nil
  end
  at = at - 1 -- `body` itself has no line break in front
  while body:sub(at, at + 1) ~= "--" do
    local head_end = plain_find(body, "\r\n\r\n", at)
    local next_mark = plain_find(body, "\r\n" .. mark, at)
    if not head_end or not next_mark or head_end > next_mark then
      return nil
    end
    local name = part_name(body:sub(at, head_end - 1))
    if name and fields[name] == nil then
      fields[name] = body:sub(head_end + 4, next_mark - 1)
    end
    at = next_mark + 2 + #mark
  end
  return fields
end

--- Encodes a table of fields.
-- @tparam table fields name -> string, number or boolean
-- @tparam string boundary
-- @treturn string|nil
-- @treturn nil|string what is wrong
function multipart.encode(fields, boundary)
  local names = {}
  for name in pairs(fields) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  local parts = {}
  for _, name in ipairs(names) do
    local value = fields[name]
    if type(value) == "table" or value == nil then
      return nil, ("invalid multipart body: the value of '%s' must be a string, number or boolean")
        :format(name)
    end
    parts[#parts + 1] = ('--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'):format(
      boundary, arguments.escape(name), tostring(value))
  end
  parts[#parts + 1] = "--" .. boundary .. "--\r\n"
  return table.concat(parts)
end

return multipart
