-- What the records of a file say about each other: references, derived ids, uniqueness.
local path_of = require("weir.declarative.records").path
local uuid = require("weir.text.uuid")
local workspace = require("weir.entities.workspace")

local references = {}

local Resolver = {}
Resolver.__index = Resolver

-- Records of a type by their names as written, or by their ids: a reference to an entity with a
-- mistake in another field is no second mistake. There may be very many, so an index is made when
-- somebody refers to such an entity in such a way.
local function index_of(self, indexes, entity, field)
  local index = indexes[entity]
  if not index then
    index = {}
    for _, record in ipairs(self.records) do
      local key = record.type == entity and record[field]
      if type(key) == "string" then
        index[key] = record
      end
    end
    indexes[entity] = index
  end
  return index
end

function Resolver:named(entity, name)
  return index_of(self, self.by_name, entity, "name")[name]
end

function Resolver:with_id(entity, id)
  return index_of(self, self.by_id, entity, "id")[id:lower()]
end

function Resolver:look_up(entity, reference)
  if type(reference) == "string" then
    return self:named(entity, reference) or self:with_id(entity, reference)
  elseif reference.id then
    return self:with_id(entity, reference.id)
  end
  return self:named(entity, reference.name)
end

-- A reference that leads nowhere. Its field is the last name in `path`.
function Resolver:dangling(record, path, reference, entity)
  local last = path[#path]
  local field = type(last) == "number" and path[#path - 1] or last
  local text = type(reference) == "table" and (reference.id or reference.name) or reference
  self.findings:error(path,
    ("invalid reference '%s: %s' (no such entry in '%s')"):format(field, text, entity))
  record.invalid = true
end

function Resolver:foreign(record, field, entity)
  local reference = record.value[field]
  local target = self:look_up(entity, reference)
  if target then
    record.value[field] = { id = target.id }
  else
    self:dangling(record, path_of(record, field), reference, entity)
  end
end

-- Runs on what was written: an element that is no UUID has been reported already and may be missing
-- in the value.
function Resolver:list(record, field, entity)
  for i, id in ipairs(record.input[field]) do
    local target = uuid.is_valid(id) and self:with_id(entity, id)
    if target then
      record.value[field][i] = target.id
    elseif target == nil then
      self:dangling(record, path_of(record, field, i), id, entity)
    end
  end
end

-- Ids inside a plugin's configuration: fields of its schema that say `refers_to`. Gives the value
-- with the ids as the entities have them. `path` is the value's, and is so again afterwards.
function Resolver:inside(field, value, path, record)
  local entity = field.def.refers_to
  if entity and uuid.is_valid(value) then
    local target = self:with_id(entity, value)
    if not target then
      self:dangling(record, path, value, entity)
    end
    return target and target.id or value
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

function Resolver:item(field, holder, key, path, record)
  path[#path + 1] = key
  holder[key] = self:inside(field, holder[key], path, record)
  path[#path] = nil
end

function Resolver:record(record)
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
function Resolver:is_first(record, what, value)
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
function Resolver:display(value, entity)
  if type(value) ~= "table" then
    return tostring(value)
  end
  local target = entity and self:with_id(entity, value.id)
  return target and type(target.name) == "string" and target.name or value.id
end

-- The same for several fields together, as a message.
function Resolver:display_together(record, names)
  local values = {}
  for i, name in ipairs(names) do
    local entity = self.model.schemas[record.type]:field(name).reference
    values[i] = self:display(record.value[name], entity)
  end
  return already_declared(record, table.concat(names, "+"), table.concat(values, "+"))
end

function Resolver:check_together(record, fields)
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

function Resolver:check_unique_fields(record)
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

function Resolver:check_uniqueness(record)
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
-- @tparam Model model
-- @treturn boolean
function references.reads_input(record, model)
  for _, link in ipairs(model:links_of(record.type)) do
    if link.listed then
      return true
    end
  end
  return false
end

--- Resolves the references of `records` in place, derives the ids that depend on them, checks that
-- what must be unique is.
-- @tparam {table,...} records with `value` = the validated entity, `bad_fields` = set of its
--   invalid fields or nil, `input` for those with lists of references; sets `invalid`
-- @tparam Model model the entity types (weir.entities)
-- @tparam Findings findings what is wrong is added to them
function references.settle(records, model, findings)
  local resolver = setmetatable({
    records = records, model = model, findings = findings, by_id = {}, by_name = {},
    taken = {},     -- type -> what -> value -> true
  }, Resolver)
  for _, record in ipairs(records) do
    resolver:record(record)
  end
  for _, record in ipairs(records) do
    record.id = record.id or derive_id(record, model.definitions[record.type])
    record.value.id = record.id
  end
  for _, record in ipairs(records) do
    resolver:check_uniqueness(record)
  end
end

return references
