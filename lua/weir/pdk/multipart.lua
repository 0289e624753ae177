-- multipart/form-data bodies: to their parts, or a table of fields, and back.
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

-- A part, from the text before its empty line and that behind it.
local function new_part(head, value)
  local part = { headers = {}, value = value }
  for line in head:gmatch("[^\r\n]+") do
    table.insert(part.headers, line)
    local field, text = line:match("^([^:]+):%s*(.*)$")
    if field and field:lower() == "content-disposition" then
      part.name = text:match('[;%s]name="([^"]*)"') or text:match("[;%s]name=([^;%s]+)")
    end
  end
  return part
end

--- Cuts a body.
-- @tparam string body
-- @tparam string boundary
-- @treturn table|nil list of parts: `headers` (lines), `value`, and `name` if it has one; nil when
-- the body is none
function multipart.parts(body, boundary)
  local mark = "--" .. boundary
  local parts = {}
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
    local value = body:sub(head_end + 4, next_mark - 1)
    table.insert(parts, new_part(body:sub(at, head_end - 1), value))
    at = next_mark + 2 + #mark
  end
  return parts
end

--- Decodes a body.
-- @tparam string body
-- @tparam string boundary
-- @treturn table|nil name -> content of the first part of that name
function multipart.decode(body, boundary)
  local parts = multipart.parts(body, boundary)
  if not parts then
    return nil
  end
  local fields = {}
  for _, part in ipairs(parts) do
    if part.name and fields[part.name] == nil then
      fields[part.name] = part.value
    end
  end
  return fields
end

--- The header line of a part.
-- @tparam string name
-- @tparam ?string filename
-- @treturn string
function multipart.disposition(name, filename)
  local line = ('Content-Disposition: form-data; name="%s"'):format(arguments.escape(name))
  return filename and ('%s; filename="%s"'):format(line, arguments.escape(filename)) or line
end

--- Puts parts together.
-- @tparam table parts list of `headers` (lines) and `value`
-- @tparam string boundary
-- @treturn string
function multipart.join(parts, boundary)
  local texts = {}
  for _, part in ipairs(parts) do
    table.insert(texts, ("--%s\r\n%s\r\n\r\n%s\r\n"):format(boundary,
      table.concat(part.headers, "\r\n"), part.value))
  end
  table.insert(texts, "--" .. boundary .. "--\r\n")
  return table.concat(texts)
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
    table.insert(parts, { headers = { multipart.disposition(name) }, value = tostring(value) })
  end
  return multipart.join(parts, boundary)
end

return multipart
