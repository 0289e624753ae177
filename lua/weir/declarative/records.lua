-- From the nested lists of a declarative file to flat records, one per entity.
--
-- A record is { type, id, has_id = whether it was written, name = its endpoint key as written,
-- input = all of it as written, without what is nested in it, parent = the record that it is nested
-- in or nil, index = its place in the list there or in the file }. Ids are settled here, from the
-- top down, so that children know their parents' even if a parent turns out to be invalid.
local new_table = require("table.new")
local null = require("cjson").null
local document = require("weir.document")
local uuid = require("weir.text.uuid")

local records = {}

local function extend(path, ...)
  local longer = { unpack(path) }
  for i = 1, select("#", ...) do
    longer[#longer + 1] = (select(i, ...))
  end
  return longer
end

--- Where a record, or something in it, was written.
-- @tparam table record
-- @param ... keys and indices in it
-- @treturn table path (weir.document)
local function path_of(record, ...)
  local path = record.parent and path_of(record.parent) or {}
  return extend(path, record.type, record.index, ...)
end

local METADATA = {
  _comment = { "string", "expected a string" },
  _ignore = { "table", "expected an array" },
}

--- Whether a field is metadata, which files and entities may have alike.
-- @tparam string key
-- @param value
-- @treturn boolean
-- @treturn ?string what is wrong with it
function records.metadata(key, value)
  local rule = METADATA[key]
  local is_wrong = rule and value ~= null and type(value) ~= rule[1]
  return rule ~= nil, is_wrong and rule[2] or nil
end

-- An entity that neither has an id nor a name gets the id of its place in the file: the same file
-- has the same ids on every node and after every reload.
local function identify(record, model)
  local id, definition = record.input.id, model.definitions[record.type]
  if uuid.is_valid(id) then
    return id:lower()
  elseif definition.cache_key and next(model:children_of(record.type)) == nil then
    return nil    -- depends on resolved references, see weir.declarative.references
  end
  local key = definition.endpoint_key and record.input[definition.endpoint_key]
  if type(key) ~= "string" or key == "" then
    key = table.concat(path_of(record), "/")
  end
  return uuid.of_entity(record.type, key)
end

-- Files of format 1.1 and 2.1 write regular expressions as paths without a "~".
local function migrate_paths(route)
  if type(route.paths) ~= "table" then
    return
  end
  local paths = {}
  for i, path in ipairs(route.paths) do
    local is_regex = type(path) == "string" and path:sub(1, 1) ~= "~"
      and not path:find("^[%w%.%-_~/%%]*$")
    paths[i] = is_regex and "~" .. path or path
  end
  route.paths = paths
end

-- Those above and `value`, which weir.declarative adds: others are the exception.
local RECORD_FIELDS = 8

local Collector = {}
Collector.__index = Collector

-- Separates an entity's own fields from its metadata and from the entities nested in it.
function Collector:split(record, entity)
  local children = self.model:children_of(record.type)
  local own, nested = {}, {}
  for key, value in pairs(entity) do
    local is_metadata, why = records.metadata(key, value)
    if children[key] then
      nested[key] = value
    elseif not is_metadata then
      own[key] = value
    elseif why then
      self.findings:error(path_of(record, key), why)
    end
  end
  return own, nested, children
end

-- `field` refers to the parent.
function Collector:refer_to_parent(record, field)
  local written = record.input[field]
  if written ~= nil and written ~= null then
    self.findings:error(path_of(record, field), "value must be null")
  end
  record.input[field] = { id = record.parent.id }
end

function Collector:entity(entity, type_name, index, parent, field)
  local record = new_table(0, RECORD_FIELDS)
  record.type, record.index, record.parent = type_name, index, parent
  if document.kind(entity) ~= "map" then
    self.findings:error(path_of(record), "expected a record")
    return
  end
  local nested, children
  record.input, nested, children = self:split(record, entity)
  if parent then
    self:refer_to_parent(record, field)
  end
  if type_name == "routes" and self.migrate then
    migrate_paths(record.input)
  end
  local name_field = self.model.definitions[type_name].endpoint_key
  record.id = identify(record, self.model)
  record.has_id = record.input.id ~= nil
  record.name = name_field and record.input[name_field]
  self.visit(record, self.context)
  for _, child in ipairs(self.model.names) do
    if nested[child] ~= nil then
      self:entities(child, nested[child], record, children[child])
    end
  end
end

-- Writers that keep no types, cjson for one, write an empty list as an empty object.
function Collector:entities(type_name, list, parent, field)
  if list == null then
    return
  elseif document.kind(list) ~= "array" and (type(list) ~= "table" or next(list) ~= nil) then
    self.findings:error(parent and path_of(parent, type_name) or { type_name }, "expected an array")
    return
  end
  for i, entity in ipairs(list) do
    self:entity(entity, type_name, i, parent, field)
    self.document:release(list, i)
  end
end

--- Goes through all entities of a file, once: what it has been at is gone from the document.
-- @tparam Document doc its value is a map
-- @tparam boolean migrate whether it is written in a format before 3.0
-- @tparam function visit called with each record, parents before their children, and with `context`
-- @tparam table context model (weir.entities), findings (weir.declarative.findings)
function records.each(doc, migrate, visit, context)
  local collector = setmetatable({
    document = doc, migrate = migrate, visit = visit, context = context, model = context.model,
    findings = context.findings,
  }, Collector)
  for _, type_name in ipairs(context.model.names) do
    local list = doc.value[type_name]
    if list ~= nil then
      collector:entities(type_name, list)
    end
  end
end

records.path = path_of

return records
