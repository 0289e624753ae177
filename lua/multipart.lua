-- multipart: a multipart/form-data body to look into and to change, as plugins know it from
-- lua-multipart.
local codec = require("weir.pdk.multipart")
local core = require("weir.core")
local hex = require("weir.text.hex")

local Body = {}
Body.__index = Body

-- Parts of a name, or all of other names.
local function filter(parts, name, wanted)
  local found = {}
  for _, part in ipairs(parts) do
    if (part.name == name) == wanted then
      table.insert(found, part)
    end
  end
  return found
end

--- The first part of a name.
-- @treturn table|nil name, value, headers (lines)
function Body:get(name)
  return filter(self.parts, name, true)[1]
end

--- The values of all parts of a name.
-- @treturn {string,...}
function Body:get_as_array(name)
  local values = {}
  for i, part in ipairs(filter(self.parts, name, true)) do
    values[i] = part.value
  end
  return values
end

--- All values by name; of several parts of one name the last counts.
-- @treturn table
function Body:get_all()
  local values = {}
  for _, part in ipairs(self.parts) do
    if part.name then
      values[part.name] = part.value
    end
  end
  return values
end

--- Puts a part in the place of the first one of that name, or behind all others.
-- @tparam string name
-- @tparam string value
-- @tparam ?string filename
-- @tparam ?string content_type
function Body:set_simple(name, value, filename, content_type)
  local part = {
    name = name, value = tostring(value), headers = { codec.disposition(name, filename) },
  }
  if content_type then
    table.insert(part.headers, "Content-Type: " .. content_type)
  end
  for i, other in ipairs(self.parts) do
    if other.name == name then
      self.parts[i] = part
      return
    end
  end
  table.insert(self.parts, part)
end

--- Removes all parts of a name.
function Body:delete(name)
  self.parts = filter(self.parts, name, false)
end

--- The body.
-- @treturn string
function Body:tostring()
  return codec.join(self.parts, self.boundary)
end

--- Reads a body. One that cannot be read has no parts.
-- @tparam ?string body
-- @tparam ?string content_type names the boundary; one is made up without
-- @treturn table
return function(body, content_type)
  local boundary = codec.boundary(content_type or "") or hex.encode(core.random(16))
  return setmetatable({
    boundary = boundary, parts = codec.parts(body or "", boundary) or {},
  }, Body)
end
