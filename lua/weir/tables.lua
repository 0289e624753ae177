-- Plain tables.
local tables = {}

--- A copy of a value and of all that is in it, without metatables.
-- @param value
-- @return the copy
function tables.copy(value)
  if type(value) ~= "table" then
    return value
  end
  local result = {}
  for key, item in pairs(value) do
    result[key] = tables.copy(item)
  end
  return result
end

local function by_text(a, b)
  return tostring(a) < tostring(b)
end

--- The keys of a table, sorted as texts.
-- @tparam table t
-- @treturn table list
function tables.sorted_keys(t)
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = key
  end
  table.sort(keys, by_text)
  return keys
end

return tables
