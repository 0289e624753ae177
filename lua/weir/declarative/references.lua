-- What the records of a file say about each other: references, derived ids, uniqueness.
local extend = require("weir.declarative.records").extend
local uuid = require("weir.text.uuid")
local workspace = require("weir.entities.workspace")

local references = {}

-- Names and ids as written, so that a reference to an entity with a mistake in another field is no
-- second mistake.
local function index(records, model)
  local by_id, by_name = {}, {}
  for _, name in ipairs(model.names) do
    by_id[name], by_name[name] = {}, {}
  end
  for _, record in ipairs(records) do
    local key = model.definitions[record.type].endpoint_key
    local name = key and record.input[key]
    if record.id then
      by_id[record.type][record.id] = record
    end
    if type(name) == "string" then
      by_name[record.type][name] = record
    end
  end
  return by_id, by_name
end

local function look_up(by_id, by_name, entity, reference)
  if type(reference) == "string" then
    return by_name[entity][reference] or by_id[entity][reference:lower()]
  elseif reference.id then
    return by_id[entity][reference.id:lower()]
  end
  return by_name[entity][reference.name]
end

local function dangling(field, reference, entity)
  local text = type(reference) == "table" and (reference.id or reference.name) or reference
  return ("invalid reference '%s: %s' (no such entry in '%s')"):format(field, text, entity)
end

local function resolve_foreign(record, field, entity, by_id, by_name, report)
  local reference = record.value[field]
  local target = look_up(by_id, by_name, entity, reference)
  if target then
    record.value[field] = { id = target.id }
  else
    report(extend(record.path, field), dangling(field, reference, entity))
    record.invalid = true
  end
end

-- Runs on what was written: an element that is no UUID has been reported already and may be missing
-- in the value.
local function resolve_list(record, field, entity, by_id, report)
  for i, id in ipairs(record.input[field]) do
    if uuid.is_valid(id) then
      local target = by_id[entity][id:lower()]
      if target then
        record.value[field][i] = target.id
      else
        report(extend(record.path, field, i), dangling(field, id, entity))
        record.invalid = true
      end
    end
  end
end

-- Ids inside a plugin's configuration: fields of its schema that say `refers_to`. Gives the value
-- with the ids as the entities have them.
local function resolve_inside(field, value, path, look_up_id)
  if field.def.refers_to and uuid.is_valid(value) then
    return look_up_id(field.def.refers_to, value, path)
  elseif type(value) == "table" and field.record then
    for _, item in ipairs(field.record.ordered) do
      value[item.name] = resolve_inside(item.field, value[item.name], extend(path, item.name),
        look_up_id)
    end
  elseif type(value) == "table" and field.elements then
    for i, element in ipairs(value) do
      value[i] = resolve_inside(field.elements, element, extend(path, i), look_up_id)
    end
  end
  return value
end

local function resolve_config(record, by_id, report)
  local config = record.schema.record.by_name.config
  resolve_inside(config, record.value.config, extend(record.path, "config"),
    function(entity, id, path)
      local target = by_id[entity][id:lower()]
      if target then
        return target.id
      end
      local last = path[#path]
      report(path, dangling(type(last) == "number" and path[#path - 1] or last, id, entity))
      record.invalid = true
      return id
    end)
end

local function resolve(records, model, by_id, by_name, report)
  for _, record in ipairs(records) do
    if record.type == "plugins" then
      resolve_config(record, by_id, report)
    end
    for _, item in ipairs(model.definitions[record.type].fields) do
      local field, def = next(item)
      local listed = def.elements and def.elements.refers_to
      if listed and type(record.value[field]) == "table" then
        resolve_list(record, field, listed, by_id, report)
      elseif def.reference and by_id[def.reference] and record.value[field] ~= nil
        and not record.bad_fields[field] then
        resolve_foreign(record, field, def.reference, by_id, by_name, report)
      end
    end
  end
end

-- The part of a key that one field contributes: a reference stands for its id.
local function key_part(value)
  if type(value) == "table" then
    return value.id
  end
  return value
end

local function derive_id(record, definition)
  local parts = { record.type, definition.workspaceable and workspace.id or "*" }
  for i, field in ipairs(definition.cache_key) do
    parts[i + 2] = tostring(key_part(record.value[field]) or "")
  end
  return uuid.of_entity(record.type, table.concat(parts, ":"))
end

local function derive_ids(records, model)
  for _, record in ipairs(records) do
    record.id = record.id or derive_id(record, model.definitions[record.type])
    record.value.id = record.id
  end
end

local function already_declared(record, what, value)
  return ("uniqueness violation: '%s' entity with %s set to '%s' already declared")
    :format(record.type, what, value)
end

-- Whether a record is the first of its type with this value of `what`. There may be very many
-- records: only mistakes cost more than a look.
local function is_first(taken, record, what, value)
  local of_type = taken[record.type] or {}
  taken[record.type] = of_type
  local values = of_type[what] or {}
  of_type[what] = values
  if values[value] then
    record.invalid = true
    return false
  end
  values[value] = true
  return true
end

-- How messages call what a field holds: a referenced entity by its name, if it has one.
local function display(value, entity, model, by_id)
  if type(value) ~= "table" then
    return tostring(value)
  end
  local target = by_id[entity] and by_id[entity][value.id]
  local key = target and model.definitions[entity].endpoint_key
  return key and type(target.input[key]) == "string" and target.input[key] or value.id
end

-- The same for several fields together, as a message.
local function display_together(record, names, model, by_id)
  local values = {}
  for i, name in ipairs(names) do
    local entity = model.schemas[record.type]:field(name).reference
    values[i] = display(record.value[name], entity, model, by_id)
  end
  return already_declared(record, table.concat(names, "+"), table.concat(values, "+"))
end

local function check_together(taken, record, fields, model, by_id, report)
  local names, values = {}, {}
  for _, field in ipairs(fields) do
    local value = record.value[field]
    if value ~= nil then
      names[#names + 1] = field
      values[#values + 1] = tostring(key_part(value))
    end
  end
  local what, value = table.concat(names, "+"), table.concat(values, "\0")
  if is_first(taken, record, what, value) then
    return true
  end
  report(record.path, display_together(record, names, model, by_id))
  return false
end

local function check_unique_fields(taken, record, definition, report)
  for _, item in ipairs(definition.fields) do
    local field, def = next(item)
    local value = record.value[field]
    if (def.unique or def.unique_across_ws) and value ~= nil
      and not is_first(taken, record, field, tostring(value)) then
      report(extend(record.path, field), already_declared(record, field, tostring(value)))
    end
  end
end

-- The fields that two entities must not have alike: what ids are derived from.
local function together(definition)
  local fields = definition.cache_key
  return fields and #fields > 1 and fields or nil
end

local function check_uniqueness(records, model, by_id, report)
  local taken = {}
  for _, record in ipairs(records) do
    local definition = model.definitions[record.type]
    local fields = not record.invalid and together(definition)
    local distinct = not fields or check_together(taken, record, fields, model, by_id, report)
    check_unique_fields(taken, record, definition, report)
    -- A derived id repeats what it is derived from: one report is enough.
    if distinct and (record.input.id or not record.invalid)
      and not is_first(taken, record, "primary key", record.id) then
      report(extend(record.path, "id"), already_declared(record, "primary key", record.id))
    end
  end
end

--- Resolves the references of `records` in place, derives the ids that depend on them, checks that
-- what must be unique is.
-- @tparam {table,...} records with `value` = the validated entity, `bad_fields` = set of its
--   invalid fields; sets `invalid`
-- @tparam Model model the entity types (weir.entities)
-- @tparam function report called as report(path, message)
function references.settle(records, model, report)
  local by_id, by_name = index(records, model)
  resolve(records, model, by_id, by_name, report)
  derive_ids(records, model)
  check_uniqueness(records, model, by_id, report)
end

return references
