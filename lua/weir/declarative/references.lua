-- What the records of a file say about each other: references, derived ids, uniqueness.
local path_of = require("weir.declarative.records").path
local uuid = require("weir.text.uuid")
local workspace = require("weir.entities.workspace")

local References = {}
References.__index = References

--- Makes what settles the records of a file.
-- @tparam Model model the entity types (weir.entities)
-- @tparam Findings findings what is wrong is added to them
-- @treturn References
function References.new(model, findings)
  local self = setmetatable({
    model = model, findings = findings,
    names = {},     -- type -> id -> name, or true for an entity without one
    ids = {},       -- type that fields refer to -> name -> id
    taken = {},     -- type -> what -> value -> true
  }, References)
  for _, name in ipairs(model.names) do
    self.names[name] = {}
    for _, link in ipairs(model:links_of(name)) do
      self.ids[link.entity] = {}
    end
  end
  return self
end

--- Notes a record: from now on others can refer to it. It is known by its name and id as written,
-- so that a reference to an entity with a mistake in another field is no second mistake.
-- @tparam table record (weir.declarative.records)
function References:note(record)
  local kind, name = record.type, type(record.name) == "string" and record.name
  if record.id then
    self.names[kind][record.id] = name or true
  end
  if name and self.ids[kind] then
    self.ids[kind][name] = record.id
  end
end

-- The id, as the entity has it, of one that is known by an id.
function References:with_id(entity, id)
  id = id:lower()
  return self.names[entity][id] and id
end

-- The id of what a reference leads to.
function References:look_up(entity, reference)
  if type(reference) == "string" then
    return self.ids[entity][reference] or self:with_id(entity, reference)
  elseif reference.id then
    return self:with_id(entity, reference.id)
  end
  return self.ids[entity][reference.name]
end

-- A reference that leads nowhere. Its field is the last name in `path`.
function References:dangling(record, path, reference, entity)
  local last = path[#path]
  local field = type(last) == "number" and path[#path - 1] or last
  local text = type(reference) == "table" and (reference.id or reference.name) or reference
  self.findings:error(path,
    ("invalid reference '%s: %s' (no such entry in '%s')"):format(field, text, entity))
  record.invalid = true
end

function References:foreign(record, field, entity)
  local reference = record.value[field]
  local id = self:look_up(entity, reference)
  if id then
    record.value[field] = { id = id }
  else
    self:dangling(record, path_of(record, field), reference, entity)
  end
end

-- Runs on what was written: an element that is no UUID has been reported already and may be missing
-- in the value.
function References:list(record, field, entity)
  for i, id in ipairs(record.input[field]) do
    local target = uuid.is_valid(id) and self:with_id(entity, id)
    if target then
      record.value[field][i] = target
    elseif target == nil then
      self:dangling(record, path_of(record, field, i), id, entity)
    end
  end
end

-- Ids inside a plugin's configuration: fields of its schema that say `refers_to`. Gives the value
-- with the ids as the entities have them. `path` is the value's, and is so again afterwards.
function References:inside(field, value, path, record)
  local entity = field.def.refers_to
  if entity and uuid.is_valid(value) then
    local target = self:with_id(entity, value)
    if not target then
      self:dangling(record, path, value, entity)
    end
    return target or value
  elseif type(value) == "table" and field.record then
    for _, item in ipairs(field.record.ordered) do
      self:item(item.field, value, item.name, path, record)
    end
  elseif type(value) == "table" and field.elements then
    for i = 1, #value do
      self:item(field.elements, value, i, path, record)
    end
  end
  return value
end

function References:item(field, holder, key, path, record)
  path[#path + 1] = key
  holder[key] = self:inside(field, holder[key], path, record)
  path[#path] = nil
end

function References:record(record)
  local value = record.value
  if record.type == "plugins" then
    local config = record.schema.record.by_name.config
    self:inside(config, value.config, path_of(record, "config"), record)
  end
  for _, link in ipairs(self.model:links_of(record.type)) do
    local field = link.field
    if link.listed then
      if type(value[field]) == "table" then
        self:list(record, field, link.entity)
      end
    elseif value[field] ~= nil and self.model.definitions[link.entity]
      and not (record.bad_fields and record.bad_fields[field]) then
      self:foreign(record, field, link.entity)
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

local function already_declared(record, what, value)
  return ("uniqueness violation: '%s' entity with %s set to '%s' already declared")
    :format(record.type, what, value)
end

-- Whether a record is the first of its type with this value of `what`. There may be very many
-- records: only mistakes cost more than a look.
function References:is_first(record, what, value)
  local of_type = self.taken[record.type] or {}
  self.taken[record.type] = of_type
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
function References:display(value, entity)
  if type(value) ~= "table" then
    return tostring(value)
  end
  local name = self.names[entity] and self.names[entity][value.id]
  return type(name) == "string" and name or value.id
end

-- The same for several fields together, as a message.
function References:display_together(record, names)
  local values = {}
  for i, name in ipairs(names) do
    local entity = self.model.schemas[record.type]:field(name).reference
    values[i] = self:display(record.value[name], entity)
  end
  return already_declared(record, table.concat(names, "+"), table.concat(values, "+"))
end

function References:check_together(record, fields)
  local names, values = {}, {}
  for _, field in ipairs(fields) do
    local value = record.value[field]
    if value ~= nil then
      names[#names + 1] = field
      values[#values + 1] = tostring(key_part(value))
    end
  end
  local what, value = table.concat(names, "+"), table.concat(values, "\0")
  if self:is_first(record, what, value) then
    return true
  end
  self.findings:error(path_of(record), self:display_together(record, names))
  return false
end

function References:check_unique_fields(record)
  for _, field in ipairs(self.model:unique_of(record.type)) do
    local value = record.value[field]
    if value ~= nil and not self:is_first(record, field, tostring(value)) then
      self.findings:error(path_of(record, field), already_declared(record, field, tostring(value)))
    end
  end
end

-- The fields that two entities must not have alike: what ids are derived from.
local function together(definition)
  local fields = definition.cache_key
  return fields and #fields > 1 and fields or nil
end

function References:check_uniqueness(record)
  local fields = not record.invalid and together(self.model.definitions[record.type])
  local distinct = not fields or self:check_together(record, fields)
  self:check_unique_fields(record)
  -- A derived id repeats what it is derived from: one report is enough.
  if distinct and (record.has_id or not record.invalid)
    and not self:is_first(record, "primary key", record.id) then
    self.findings:error(path_of(record, "id"), already_declared(record, "primary key", record.id))
  end
end

--- Whether settle() wants to see a record's `input`.
-- @tparam table record
-- @treturn boolean
function References:reads_input(record)
  for _, link in ipairs(self.model:links_of(record.type)) do
    if link.listed then
      return true
    end
  end
  return false
end

--- Whether all that a record refers to is known: it can be settled before the rest of the file is.
-- @tparam table record one without lists of references
-- @treturn boolean
function References:complete(record)
  for _, link in ipairs(self.model:links_of(record.type)) do
    local reference, entity = record.value[link.field], link.entity
    if reference ~= nil and not (self.names[entity] and self:look_up(entity, reference)) then
      return false
    end
  end
  return true
end

--- Resolves the references of a record in place, derives its id where that depends on them, checks
-- that what must be unique is.
-- @tparam table record with `value` = the validated entity, `bad_fields` = set of its invalid
--   fields or nil, `input` if it has lists of references; sets `invalid`
function References:settle(record)
  self:record(record)
  record.id = record.id or derive_id(record, self.model.definitions[record.type])
  record.value.id = record.id
  self:check_uniqueness(record)
end

return References
