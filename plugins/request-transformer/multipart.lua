-- A multipart/form-data body to be changed: the contents of parts that are not changed, files above
-- all, stay as they are, byte for byte.

local codec = require("weir.pdk.multipart")

local Multipart = {}
Multipart.__index = Multipart

-- Names in quotes, as browsers write them.
local function escape(name)
  return (name:gsub('["\r\n]', { ['"'] = "%22", ["\r"] = "%0D", ["\n"] = "%0A" }))
end

local function part_of(name, value)
  return {
    name = name,
    headers = { ('Content-Disposition: form-data; name="%s"'):format(escape(name)) },
    value = tostring(value),
  }
end

--- Takes a body apart.
-- @tparam string text an empty one has no parts
-- @tparam string content_type
-- @treturn Multipart|nil nil when it is not in that format
function Multipart.new(text, content_type)
  local boundary = codec.boundary(content_type)
  local parts = boundary and (text == "" and {} or codec.parts(text, boundary))
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
      local _, at, first, last = codec.name(part)
      local line = part.headers[at]
      part.headers[at] = line:sub(1, first - 1) .. escape(new) .. line:sub(last)
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
  return codec.join(self.parts, self.boundary)
end

return Multipart
