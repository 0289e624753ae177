-- multipart/form-data bodies: to their parts, or a table of fields, and back.
local arguments = require("weir.pdk.arguments")

local multipart = {}

--- The boundary that a Content-Type names.
-- @treturn string|nil
function multipart.boundary(content_type)
  return content_type:match('boundary="([^"]+)"') or content_type:match("boundary=([^;%s,]+)")
end

-- The lines of a part's head. One that begins with a space belongs to the line before.
local function lines_of(head)
  local lines = {}
  for line in head:gmatch("[^\r\n]+") do
    if #lines > 0 and line:find("^[ \t]") then
      lines[#lines] = lines[#lines] .. "\r\n" .. line
    else
      table.insert(lines, line)
    end
  end
  return lines
end

--- What a part is called.
-- @tparam table part
-- @treturn string|nil name
-- @treturn nil|number the line of `headers` where it stands
-- @treturn nil|number first byte of the name in that line
-- @treturn nil|number the byte behind it
function multipart.name(part)
  for i, line in ipairs(part.headers) do
    if line:lower():find("^content%-disposition:") then
      local first, name, last = line:match('[;%s]name="()([^"]*)()"')
      if not first then
        first, name, last = line:match("[;%s]name=()([^;%s\"]+)()")
      end
      return name, i, first, last
    end
  end
end

local function new_part(head, value)
  local part = { headers = lines_of(head), value = value }
  part.name = multipart.name(part)
  return part
end

local function plain_find(text, what, from)
  return text:find(what, from, true)
end

--- Cuts a body. What is before the first part and behind the last is not among them.
-- @tparam string body
-- @tparam string boundary
-- @treturn table|nil list of parts: `headers` (lines), `value`, and `name` if it has one; nil when
-- the body is none
function multipart.parts(body, boundary)
  local mark = "\r\n--" .. boundary
  local parts = {}
  body = "\r\n" .. body
  local _, at = plain_find(body, mark, 1)
  while at do
    if body:sub(at + 1, at + 2) == "--" then
      return parts
    end
    local start = body:match("^[ \t]*\r\n()", at + 1)
    local next_mark, next_end = plain_find(body, mark, at + 1)
    -- The empty line may be the part's first.
    local head_end = start and plain_find(body, "\r\n\r\n", start - 2)
    if not head_end or not next_mark or head_end + 2 > next_mark then
      return nil
    end
    local head = body:sub(start, head_end - 1)
    table.insert(parts, new_part(head, body:sub(head_end + 4, next_mark - 1)))
    at = next_end
  end
  return nil
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
    local head = part.headers[1] and table.concat(part.headers, "\r\n") .. "\r\n" or ""
    table.insert(texts, ("--%s\r\n%s\r\n%s\r\n"):format(boundary, head, part.value))
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
