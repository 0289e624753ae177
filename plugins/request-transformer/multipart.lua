-- A multipart/form-data body to be changed: parts that are not changed, files above all, stay as
-- they are, byte for byte.

local Multipart = {}
Multipart.__index = Multipart

local function boundary_of(content_type)
  return content_type:match('boundary="([^"]+)"') or content_type:match("boundary=([^;%s,]+)")
end

-- What a part is called, with the places where that stands in its text.
local function name_of(text)
  local head = text:match("^(.-\r\n)\r\n") or text
  for from, line in head:gmatch("()([^\r\n]+)") do
    if line:lower():find("^content%-disposition:") then
      local first, name, last = line:match('[;%s]name="()([^"]*)()"')
      if not first then
        first, name, last = line:match("[;%s]name=()([^;%s\"]+)()")
      end
      return name, first and from + first - 1, last and from + last - 1
    end
  end
end

-- Names in quotes, as browsers write them.
local function escape(name)
  return (name:gsub('["\r\n]', { ['"'] = "%22", ["\r"] = "%0D", ["\n"] = "%0A" }))
end

local function part_of(name, value)
  return {
    name = name,
    text = ('Content-Disposition: form-data; name="%s"\r\n\r\n%s'):format(escape(name), value),
  }
end

-- The parts between the boundaries, nil when the last one is missing.
local function parse(text, boundary)
  local mark = "\r\n--" .. boundary
  local parts = {}
  text = "\r\n" .. text
  local _, at = text:find(mark, 1, true)
  while at do
    if text:sub(at + 1, at + 2) == "--" then
      return parts
    end
    local start = text:match("^[ \t]*\r\n()", at + 1)
    local next_start, next_end = text:find(mark, at + 1, true)
    if not start or not next_start then
      return nil
    end
    local part = text:sub(start, next_start - 1)
    parts[#parts + 1] = { text = part, name = name_of(part) }
    at = next_end
  end
  return nil
end

--- Takes a body apart.
-- @tparam string text an empty one has no parts
-- @tparam string content_type
-- @treturn Multipart|nil nil when it is not in that format
function Multipart.new(text, content_type)
  local boundary = boundary_of(content_type)
  local parts = boundary and (text == "" and {} or parse(text, boundary))
  if not parts then
    return nil
  end
  return setmetatable({ parts = parts, boundary = boundary, changed = false }, Multipart)
end

function Multipart:has(name)
  for _, part in ipairs(self.parts) do
    if part.name == name then
      return true
    end
  end
  return false
end

function Multipart:remove(name)
  local kept = {}
  for _, part in ipairs(self.parts) do
    if part.name == name then
      self.changed = true
    else
      kept[#kept + 1] = part
    end
  end
  self.parts = kept
end

--- Renames all parts of a name; those that have the new one already are gone then.
function Multipart:rename(old, new)
  if new == old then
    return
  end
  self:remove(new)
  for _, part in ipairs(self.parts) do
    if part.name == old then
      local _, first, last = name_of(part.text)
      part.text = part.text:sub(1, first - 1) .. escape(new) .. part.text:sub(last)
      part.name = new
      self.changed = true
    end
  end
end

--- Sets a value, in the place of the first part of that name if there is one.
function Multipart:set(name, value)
  for i, part in ipairs(self.parts) do
    if part.name == name then
      self:remove(name)
      table.insert(self.parts, i, part_of(name, value))
      return
    end
  end
  self:append(name, value)
end

function Multipart:append(name, value)
  self.parts[#self.parts + 1] = part_of(name, value)
  self.changed = true
end

function Multipart:encode()
  local texts = {}
  for i, part in ipairs(self.parts) do
    texts[i] = ("--%s\r\n%s\r\n"):format(self.boundary, part.text)
  end
  return table.concat(texts) .. "--" .. self.boundary .. "--\r\n"
end

return Multipart
