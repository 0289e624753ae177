-- Fields that are defined once and used with changes: such a definition is used as it is, or called
-- with attributes to add or replace.

local callable = {}

--- Makes a definition callable.
-- @tparam table field is changed
-- @treturn table the same
local function define(field)
  return setmetatable(field, callable)
end

callable.__call = function(base, changes)
  local field = {}
  for key, value in pairs(base) do
    field[key] = value
  end
  for key, value in pairs(changes) do
    field[key] = value
  end
  return define(field)
end

return define
