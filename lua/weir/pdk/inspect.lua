-- Lua values as text for people to read (kong.log.inspect).
local MAX_DEPTH = 16

local inspect

local function is_identifier(key)
  return type(key) == "string" and key:find("^[%a_][%w_]*$") ~= nil
end

local function by_text(a, b)
  if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then
    return a < b
  end
  return type(a) .. tostring(a) < type(b) .. tostring(b)
end

local function fields_of(value)
  local fields = {}
  for key in pairs(value) do
    if type(key) ~= "number" or key < 1 or key > #value or key % 1 ~= 0 then
      fields[#fields + 1] = key
    end
  end
  table.sort(fields, by_text)
  return fields
end

local function inspect_table(value, indent, seen)
  if seen[value] then
    return "<" .. tostring(value) .. ">"
  elseif #indent / 2 >= MAX_DEPTH then
    return "{...}"
  end
  seen[value] = true
  local deeper = indent .. "  "
  local items = {}
  for _, item in ipairs(value) do
    items[#items + 1] = inspect(item, deeper, seen)
  end
  for _, key in ipairs(fields_of(value)) do
    local name = is_identifier(key) and key or "[" .. inspect(key, deeper, seen) .. "]"
    items[#items + 1] = name .. " = " .. inspect(value[key], deeper, seen)
  end
  seen[value] = nil
  if #items == 0 then
    return "{}"
  end
  return "{\n" .. deeper .. table.concat(items, ",\n" .. deeper) .. "\n" .. indent .. "}"
end

function inspect(value, indent, seen)
  if type(value) == "string" then
    return ("%q"):format(value):gsub("\\\n", "\\n")
  elseif type(value) == "table" then
    return inspect_table(value, indent, seen)
  end
  return tostring(value)
end

--- @param value
-- @treturn string
return function(value)
  return (inspect(value, "", {}))
end
