-- Tables of what has names and values, as header fields and arguments: a name that comes more than
-- once has a list.
local fields = {}

--- Adds a value.
-- @tparam table t name -> value, or list of values
-- @tparam string name
-- @param value no table
function fields.add(t, name, value)
  local old = t[name]
  if old == nil then
    t[name] = value
  elseif type(old) == "table" then
    old[#old + 1] = value
  else
    t[name] = { old, value }
  end
end

return fields
