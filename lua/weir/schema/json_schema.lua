-- JSON Schema (draft 4) for fields of the type `json`: json_schema = { inline = { type = "object",
-- … } }.
--
-- Keywords that are not here, `$ref` and `format` for two, are mistakes of the definition: one that
-- was ignored would let values pass that are not meant to.
local null = require("cjson").null
local equal = require("weir.schema.equal")

local json_schema = {}

local validate

local function is_array(value)
  return type(value) == "table" and (next(value) == nil or #value > 0)
end

local function is_object(value)
  return type(value) == "table" and #value == 0
end

local TYPES = {
  array = is_array,
  object = is_object,
  null = function(value) return value == null end,
  string = function(value) return type(value) == "string" end,
  boolean = function(value) return type(value) == "boolean" end,
  number = function(value) return type(value) == "number" end,
  integer = function(value) return type(value) == "number" and value % 1 == 0 end,
}

local function list_of(value)
  return type(value) == "table" and value or { value }
end

local function count(value)
  local n = 0
  for _ in pairs(value) do
    n = n + 1
  end
  return n
end

-- How many of several schemas a value fits.
local function fitting(schemas, value)
  local n = 0
  for _, schema in ipairs(schemas) do
    n = n + (validate(schema, value) and 1 or 0)
  end
  return n
end

-- A keyword takes (value, argument, whole schema) and returns true, or nil and what is wrong.
local keywords = {}

-- Keywords about one kind of value accept all others.
local function about(kind, check)
  return function(value, arg, schema)
    if not TYPES[kind](value) then
      return true
    end
    return check(value, arg, schema)
  end
end

local function limit(kind, holds, text)
  return about(kind, function(value, arg)
    if holds(value, arg) then
      return true
    end
    return nil, text:format(tostring(arg))
  end)
end

function keywords.type(value, names)
  for _, name in ipairs(list_of(names)) do
    if TYPES[name](value) then
      return true
    end
  end
  return nil, "wrong type: expected " .. table.concat(list_of(names), " or ")
end

function keywords.enum(value, options)
  for _, option in ipairs(options) do
    if equal(value, option) then
      return true
    end
  end
  return nil, "matches none of the enum values"
end

function keywords.const(value, wanted)
  return equal(value, wanted) or nil, "is not the value that is expected"
end

keywords.minimum = limit("number", function(v, n) return v >= n end, "must be at least %s")
keywords.maximum = limit("number", function(v, n) return v <= n end, "must be at most %s")
keywords.multipleOf = limit("number", function(v, n) return v % n == 0 end,
  "must be a multiple of %s")
keywords.minLength = limit("string", function(v, n) return #v >= n end,
  "must have at least %s characters")
keywords.maxLength = limit("string", function(v, n) return #v <= n end,
  "must have at most %s characters")
keywords.minItems = limit("array", function(v, n) return #v >= n end, "must have at least %s items")
keywords.maxItems = limit("array", function(v, n) return #v <= n end, "must have at most %s items")
keywords.minProperties = limit("object", function(v, n) return count(v) >= n end,
  "must have at least %s properties")
keywords.maxProperties = limit("object", function(v, n) return count(v) <= n end,
  "must have at most %s properties")

keywords.items = about("array", function(value, schema)
  for i, item in ipairs(value) do
    local ok, err = validate(schema, item)
    if not ok then
      return nil, ("item %d: %s"):format(i, err)
    end
  end
  return true
end)

keywords.properties = about("object", function(value, schemas)
  for name, schema in pairs(schemas) do
    local ok, err = true, nil
    if value[name] ~= nil then
      ok, err = validate(schema, value[name])
    end
    if not ok then
      return nil, ("property %s: %s"):format(name, err)
    end
  end
  return true
end)

keywords.required = about("object", function(value, names)
  for _, name in ipairs(names) do
    if value[name] == nil then
      return nil, ("property %s is required"):format(name)
    end
  end
  return true
end)

keywords.additionalProperties = about("object", function(value, allowed, schema)
  for name, item in pairs(value) do
    if not (schema.properties and schema.properties[name]) then
      local ok, err = allowed, "additional properties are forbidden"
      if type(allowed) == "table" then
        ok, err = validate(allowed, item)
      end
      if not ok then
        return nil, ("property %s: %s"):format(name, err)
      end
    end
  end
  return true
end)

function keywords.allOf(value, schemas)
  for _, schema in ipairs(schemas) do
    local ok, err = validate(schema, value)
    if not ok then
      return nil, err
    end
  end
  return true
end

function keywords.anyOf(value, schemas)
  return fitting(schemas, value) > 0 or nil, "matches none of the alternatives"
end

function keywords.oneOf(value, schemas)
  return fitting(schemas, value) == 1 or nil, "must match exactly one of the alternatives"
end

keywords["not"] = function(value, schema)
  return not validate(schema, value) or nil, "matches what it must not"
end

-- What says nothing about values.
local ANNOTATIONS = {
  ["$schema"] = true, id = true, title = true, description = true, default = true,
}

-- In the order of their names, so that of several mistakes the same is told each time.
local order = {}
for name in pairs(keywords) do
  order[#order + 1] = name
end
table.sort(order)

function validate(schema, value)
  for _, name in ipairs(order) do
    if schema[name] ~= nil then
      local ok, err = keywords[name](value, schema[name], schema)
      if not ok then
        return nil, err
      end
    end
  end
  return true
end

-- ---- definitions

-- Which keywords hold schemas: one, a list of them, or one per name.
local ONE, SEVERAL = { "items", "not", "additionalProperties" }, {
  "allOf", "anyOf", "oneOf", "properties",
}

local function check_types(schema)
  for _, name in ipairs(list_of(schema.type)) do
    if not TYPES[name] then
      error("unknown type: " .. tostring(name), 0)
    end
  end
end

local function check(schema)
  if type(schema) ~= "table" then
    error("a schema must be a table", 0)
  end
  for name in pairs(schema) do
    if not keywords[name] and not ANNOTATIONS[name] then
      error("unknown keyword: " .. tostring(name), 0)
    end
  end
  check_types(schema)
  for _, name in ipairs(ONE) do
    if type(schema[name]) == "table" then
      check(schema[name])
    end
  end
  for _, name in ipairs(SEVERAL) do
    for _, inner in pairs(schema[name] or {}) do
      check(inner)
    end
  end
end

--- Finds the mistakes of a field's `json_schema`.
-- @param definition
-- @raise what is wrong with it, as a string
function json_schema.check(definition)
  if type(definition) ~= "table" or next(definition) ~= "inline"
    or next(definition, "inline") ~= nil then
    error("json_schema: expected { inline = SCHEMA }", 0)
  end
  local ok, err = pcall(check, definition.inline)
  if not ok then
    error("json_schema: " .. err, 0)
  end
end

--- Validates a value.
-- @param value as cjson decodes it
-- @tparam table definition a field's `json_schema`
-- @treturn true|nil
-- @treturn nil|string
function json_schema.validate(value, definition)
  return validate(definition.inline, value)
end

return json_schema
