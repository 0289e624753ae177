-- Arrays of a parsed text. They have a metatable of their own: empty ones could not be told from
-- empty objects otherwise.
local array = {}

local ARRAY = {}

--- Makes one, empty.
-- @treturn table
function array.new()
  return setmetatable({}, ARRAY)
end

--- Whether a value of a tree is an array.
-- @param value
-- @treturn boolean
function array.is(value)
  return type(value) == "table" and getmetatable(value) == ARRAY
end

return array
