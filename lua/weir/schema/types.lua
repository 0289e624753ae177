-- The types of schema fields: for each, what a value must be and what to say if it is not.
local null = require("cjson").null

local function is_sequence(value)
  if type(value) ~= "table" then
    return false
  end
  local n = 0
  for key in pairs(value) do
    if type(key) ~= "number" then
      return false
    end
    n = n + 1
  end
  return n == #value
end

local function is_map(value)
  return type(value) == "table" and (next(value) == nil or #value == 0)
end

local function is_foreign(value)
  if type(value) == "string" then
    return value ~= ""
  end
  if type(value) ~= "table" then
    return false
  end
  local key, inner = next(value)
  return (key == "id" or key == "name") and type(inner) == "string" and next(value, key) == nil
end

local JSON = { string = true, number = true, boolean = true }

-- What JSON can say: no functions, no tables that are neither list nor object.
local function is_json(value)
  if type(value) ~= "table" then
    return JSON[type(value)] or value == null
  end
  local list = #value > 0
  for key, item in pairs(value) do
    if type(key) ~= (list and "number" or "string") or not is_json(item) then
      return false
    end
  end
  return true
end

return {
  array = { is_sequence, "expected an array" },
  set = { is_sequence, "expected a set" },
  map = { is_map, "expected a map" },
  record = { is_map, "expected a record" },
  string = { function(v) return type(v) == "string" end, "expected a string" },
  boolean = { function(v) return type(v) == "boolean" end, "expected a boolean" },
  number = { function(v) return type(v) == "number" and v == v end, "expected a number" },
  integer = { function(v) return type(v) == "number" and v % 1 == 0 end, "expected an integer" },
  ["function"] = { function(v) return type(v) == "function" end, "expected a function" },
  json = { is_json, "expected a JSON value" },
  foreign = { is_foreign, "expected a reference: a name or an id" },
  any = { function() return true end },
}
