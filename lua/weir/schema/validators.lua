-- Validators of a single field value: the attributes of a schema field that restrict its values.
--
-- Each takes (value, argument of the attribute, field definition) and returns true, or nil and
-- Kong's message. `order` is the order in which a field's validators run; the first that objects is
-- reported.
local null = require("cjson").null
local json_schema = require("weir.schema.json_schema")
local uuid = require("weir.text.uuid")

local validators = {}

local function quoted(words)
  local list = {}
  for i, word in ipairs(words) do
    list[i] = "'" .. tostring(word) .. "'"
  end
  return table.concat(list, ", ")
end

local function plain(words)
  local list = {}
  for i, word in ipairs(words) do
    list[i] = tostring(word)
  end
  return table.concat(list, ", ")
end

local function includes(list, value)
  for _, item in ipairs(list) do
    if item == value then
      return true
    end
  end
  return false
end

local function show(value)
  return value == null and "null" or tostring(value)
end

local function length(value, field)
  if type(value) == "table" and field.type == "map" then
    local n = 0
    for _ in pairs(value) do
      n = n + 1
    end
    return n
  end
  return #value
end

function validators.eq(value, wanted)
  if value == wanted then
    return true
  end
  return nil, "value must be " .. show(wanted)
end

function validators.ne(value, unwanted)
  if value ~= unwanted then
    return true
  end
  return nil, "value must not be " .. show(unwanted)
end

function validators.one_of(value, options)
  if includes(options, value) then
    return true
  end
  return nil, "expected one of: " .. plain(options)
end

function validators.not_one_of(value, options)
  if not includes(options, value) then
    return true
  end
  return nil, "must not be one of: " .. plain(options)
end

function validators.gt(value, limit)
  if value > limit then
    return true
  end
  return nil, "value must be greater than " .. tostring(limit)
end

function validators.between(value, limits)
  if value >= limits[1] and value <= limits[2] then
    return true
  end
  -- %.14g, as %d cannot print limits that are no integers.
  return nil, ("value should be between %.14g and %.14g"):format(limits[1], limits[2])
end

function validators.timestamp(value)
  if value > 0 then
    return true
  end
  return nil, "expected a valid timestamp"
end

function validators.uuid(value)
  if uuid.is_valid(value) then
    return true
  end
  return nil, "expected a valid UUID"
end

function validators.is_regex(value)
  if require("weir.core").regex_check(value) then
    return true
  end
  return nil, "not a valid regex: " .. value
end

function validators.len_eq(value, n, field)
  if length(value, field) == n then
    return true
  end
  return nil, ("length must be %d"):format(n)
end

function validators.len_min(value, n, field)
  if length(value, field) >= n then
    return true
  end
  return nil, ("length must be at least %d"):format(n)
end

function validators.len_max(value, n, field)
  if length(value, field) <= n then
    return true
  end
  return nil, ("length must be at most %d"):format(n)
end

function validators.starts_with(value, prefix)
  if value:sub(1, #prefix) == prefix then
    return true
  end
  return nil, "should start with: " .. prefix
end

function validators.match(value, pattern)
  if value:match(pattern) then
    return true
  end
  return nil, "invalid value: " .. value
end

function validators.not_match(value, pattern)
  if not value:match(pattern) then
    return true
  end
  return nil, "invalid value: " .. value
end

function validators.match_all(value, list)
  for _, rule in ipairs(list) do
    if not value:match(rule.pattern) then
      return nil, rule.err or "invalid value: " .. value
    end
  end
  return true
end

function validators.match_none(value, list)
  for _, rule in ipairs(list) do
    if value:match(rule.pattern) then
      return nil, rule.err or "invalid value: " .. value
    end
  end
  return true
end

function validators.match_any(value, rule)
  for _, pattern in ipairs(rule.patterns) do
    if value:match(pattern) then
      return true
    end
  end
  return nil, rule.err or "invalid value: " .. value
end

function validators.contains(list, wanted)
  if includes(list, wanted) then
    return true
  end
  return nil, "expected to contain: " .. show(wanted)
end

function validators.mutually_exclusive_subsets(list, subsets)
  local touched = {}
  for _, subset in ipairs(subsets) do
    for _, value in ipairs(list) do
      if includes(subset, value) then
        touched[#touched + 1] = "(" .. quoted(subset) .. ")"
        break
      end
    end
  end
  if #touched <= 1 then
    return true
  end
  return nil, "these sets are mutually exclusive: " .. table.concat(touched, ", ")
end

function validators.custom_validator(value, fn)
  local ok, err = fn(value)
  if ok then
    return true
  end
  return nil, err or "failed validating: " .. show(value)
end

function validators.json_schema(value, definition)
  return json_schema.validate(value, definition)
end

-- Not one of Kong's: the values that this version of weir can act upon. What it cannot do it
-- refuses, rather than accept it and do something else.
function validators.supported(value, options)
  if includes(options, value) then
    return true
  elseif #options == 0 then
    return nil, "not supported by this version of weir"
  end
  return nil, ("'%s' is not supported by this version of weir (supported: %s)")
    :format(show(value), plain(options))
end

local order = {
  "eq", "ne", "one_of", "not_one_of",
  "gt", "timestamp", "uuid", "is_regex", "between",
  "len_eq", "len_min", "len_max",
  "starts_with", "not_match", "match_none", "match", "match_all", "match_any",
  "contains", "mutually_exclusive_subsets",
  "json_schema", "custom_validator", "supported",
}

return { order = order, by_name = validators, quoted = quoted }
