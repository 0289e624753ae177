-- Compiles schema definitions into what weir.schema works with, and finds their mistakes.
--
-- A compiled field is { def = the field as defined, required = whether it must have a value,
-- validators = names in their order, generate = what makes up a value, may_refer = whether it or
-- what is in it may be a reference to a secret, record / elements / keys / values = compiled
-- parts }; a compiled record { ordered, by_name, shorthands, names, entity_checks, transformations,
-- late = those that look into referenced entities, check, tools = what its entity checks may use,
-- once they have run }.
local attributes = require("weir.schema.attributes")
local checks = require("weir.schema.checks")
local hex = require("weir.text.hex")
local json_schema = require("weir.schema.json_schema")
local suggest = require("weir.text.suggest")
local types = require("weir.schema.types")
local validators = require("weir.schema.validators")

local definition = {}

local compile_record

local ON_DELETE = { cascade = true, null = true, restrict = true }

local function check_field(field, where)
  if type(field) ~= "table" then
    error(where .. ": a field must be a table", 0)
  elseif not types[field.type] then
    error(("%s: invalid type: %s"):format(where, tostring(field.type)), 0)
  elseif field.type == "foreign" and type(field.reference) ~= "string" then
    error(where .. ": missing attribute reference", 0)
  elseif field.on_delete ~= nil and not ON_DELETE[field.on_delete] then
    error(where .. ": on_delete: expected one of: cascade, null, restrict", 0)
  end
  if field.json_schema ~= nil then
    local ok, err = pcall(json_schema.check, field.json_schema)
    if not ok then
      error(where .. ": " .. err, 0)
    end
  end
  for name in pairs(field) do
    if not attributes[name] then
      error(("%s: unknown attribute %s%s"):format(where, tostring(name),
        suggest.phrase(name, attributes)), 0)
    end
  end
end

-- Whether a value, or what is in a list or map, may be a reference to a secret.
local function may_refer(compiled)
  local inner = compiled.elements or compiled.values
  return (compiled.def.referenceable or inner and inner.def.referenceable) and true or nil
end

-- `listed`: whether it is inside of a list or a map.
local function compile_field(field, where, listed)
  check_field(field, where)
  local compiled = { def = field, required = field.required, validators = {} }
  for _, name in ipairs(validators.order) do
    if field[name] ~= nil then
      table.insert(compiled.validators, name)
    end
  end
  if field.type == "record" and not field.abstract then
    compiled.record = compile_record(field, where, listed)
  end
  for _, part in ipairs({ "elements", "keys", "values" }) do
    if field[part] then
      compiled[part] = compile_field(field[part], where .. "." .. part, true)
    end
  end
  compiled.may_refer = may_refer(compiled)
  if (field.type == "array" or field.type == "set") and not compiled.elements then
    error(where .. ": missing attribute elements", 0)
  elseif field.type == "map" and not (compiled.keys and compiled.values) then
    error(where .. ": missing attributes keys and values", 0)
  end
  return compiled
end

-- What makes up the value of a field with `auto` that is not given. Ids of entities are derived
-- from the file instead (weir.declarative), and times are not made up.
local function generator(name, def)
  if not def.auto or def.type ~= "string" or name == "id" then
    return nil
  elseif def.uuid then
    return function() return require("weir.text.uuid").v4() end
  end
  return function() return hex.encode(require("weir.core").random(16)) end
end

-- { { name = field }, … } -> ordered list of { name, field } and the same by name. A record is
-- required unless its definition says otherwise: what is in it has its defaults.
local function compile_fields(list, where, listed)
  local ordered, by_name = {}, {}
  for i, item in ipairs(list) do
    local name, field = next(item)
    if type(name) ~= "string" then
      error(("%s: field %d has no name"):format(where, i), 0)
    end
    local compiled = compile_field(field, where .. "." .. name, listed)
    compiled.generate = generator(name, field)
    if compiled.record and field.required == nil and not listed then
      compiled.required = true
    end
    by_name[name] = compiled
    ordered[i] = { name = name, field = compiled }
  end
  return ordered, by_name
end

local function compile_checks(list, where)
  for _, item in ipairs(list) do
    local name = next(item)
    if not checks[name] then
      error(("%s: unknown entity check: %s"):format(where, tostring(name)), 0)
    end
  end
  return list
end

-- Whether a transformation looks into what another entity is, which is known only once references
-- are resolved.
local function is_late(item, by_name)
  for _, list in ipairs({ item.input or {}, item.needs or {} }) do
    for _, name in ipairs(list) do
      local head = by_name[name:match("^([^.]+)%.")]
      if head and head.def.type == "foreign" then
        return true
      end
    end
  end
  return false
end

local function sort_transformations(record, list)
  record.transformations, record.late = {}, {}
  for _, item in ipairs(list) do
    table.insert(is_late(item, record.by_name) and record.late or record.transformations, item)
  end
end

function compile_record(source, where, listed)
  if type(source.fields) ~= "table" then
    error(where .. ": error in schema definition: no 'fields' table", 0)
  end
  local record = { check = source.check }
  record.ordered, record.by_name = compile_fields(source.fields, where, listed)
  sort_transformations(record, source.transformations or {})
  record.shorthands = compile_fields(source.shorthand_fields or {}, where, listed)
  record.entity_checks = compile_checks(source.entity_checks or {}, where)
  record.names = {}
  for _, item in ipairs(record.ordered) do
    table.insert(record.names, item.name)
  end
  for _, item in ipairs(record.shorthands) do
    table.insert(record.names, item.name)
  end
  return record
end

--- Compiles one field.
-- @tparam table field
-- @tparam string where how errors call it
-- @treturn table the compiled field
-- @raise what is wrong with the definition, as a string
definition.field = compile_field

--- Compiles a record.
-- @tparam table source has `fields` and so on
-- @tparam string where how errors call it
-- @treturn table the compiled record
-- @raise what is wrong with the definition, as a string
definition.record = compile_record

return definition
