-- Fields of records inside records, by names like "config.redis.host".
local null = require("cjson").null

local dotted = {}

--- The value of a field, null when it is not set.
-- @tparam table record
-- @tparam string name e.g. "a.b"
function dotted.get(record, name)
  if not name:find(".", 1, true) then
    local value = record[name]
    return value == nil and null or value
  end
  local value = record
  for step in name:gmatch("[^.]+") do
    if type(value) ~= "table" then
      return null
    end
    value = value[step]
  end
  return value == nil and null or value
end

--- Sets a field, and makes the records that it is in.
-- @tparam table record
-- @tparam string name
-- @param value
function dotted.set(record, name, value)
  if not name:find(".", 1, true) then
    record[name] = value
    return
  end
  local parent = record
  local steps = {}
  for step in name:gmatch("[^.]+") do
    steps[#steps + 1] = step
  end
  for i = 1, #steps - 1 do
    if type(parent[steps[i]]) ~= "table" then
      parent[steps[i]] = {}
    end
    parent = parent[steps[i]]
  end
  parent[steps[#steps]] = value
end

return dotted
