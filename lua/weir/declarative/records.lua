-- From the nested lists of a declarative file to flat records, one per entity.
--
-- A record is { type, input = the entity as written, without what is nested in it, path = where it
-- was written, id, parent_field = the reference that nesting has filled in }. Ids are settled here,
-- from the top down, so that children know their parents' even if a parent turns out to be invalid.
local null = require("cjson").null
local uuid = require("weir.text.uuid")

local records = {}

local function extend(path, ...)
  local longer = { unpack(path) }
  for i = 1, select("#", ...) do
    longer[#longer + 1] = (select(i, ...))
  end
  return longer
end

local METADATA = {
  _comment = { "string", "expected a string" },
  _ignore = { "table", "expected an array" },
}

--- Checks a metadata field, which files and entities may have alike.
-- @treturn boolean whether `key` is one
function records.check_metadata(key, value, path, report)
  local rule = METADATA[key]
  if rule and value ~= null and type(value) ~= rule[1] then
    report(extend(path, key), rule[2])
  end
  return rule ~= nil
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
    key = table.concat(record.path, "/")
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

local Collector = {}
Collector.__index = Collector

-- Separates an entity's own fields from its metadata and from the entities nested in it.
function Collector:split(type_name, entity, path)
  local children = self.model:children_of(type_name)
  local own, nested = {}, {}
  for key, value in pairs(entity) do
    if children[key] then
      nested[key] = value
    elseif not records.check_metadata(key, value, path, self.report) then
      own[key] = value
    end
  end
  return own, nested, children
end

function Collector:entity(type_name, entity, path, parent)
  if self.document:kind(entity) ~= "map" then
    self.report(path, "expected a record")
    return
  end
  local own, nested, children = self:split(type_name, entity, path)
  local record = { type = type_name, input = own, path = path }
  if parent then
    record.parent_field = parent.field
    if own[parent.field] ~= nil and own[parent.field] ~= null then
      self.report(extend(path, parent.field), "value must be null")
    end
    own[parent.field] = { id = parent.id }
  end
  if type_name == "routes" and self.migrate then
    migrate_paths(own)
  end
  record.id = identify(record, self.model)
  table.insert(self.list, record)
  for _, child in ipairs(self.model.names) do
    if nested[child] ~= nil then
      local link = { field = children[child], id = record.id }
      self:entities(child, nested[child], extend(path, child), link)
    end
  end
end

-- Writers that keep no types, cjson for one, write an empty list as an empty object.
function Collector:entities(type_name, list, path, parent)
  if list == null then
    return
  elseif self.document:kind(list) ~= "array" and (type(list) ~= "table" or next(list) ~= nil) then
    self.report(path, "expected an array")
    return
  end
  for i, entity in ipairs(list) do
    self:entity(type_name, entity, extend(path, i), parent)
  end
end

--- Collects the records of all entities of a file.
-- @tparam Document document its value is a map
-- @tparam Model model the entity types (weir.entities)
-- @tparam boolean migrate whether it is written in a format before 3.0
-- @tparam function report called as report(path, message) for each mistake
-- @treturn {table,...} records, parents before their children
function records.collect(document, model, migrate, report)
  local collector = setmetatable({
    document = document, model = model, migrate = migrate, report = report, list = {},
  }, Collector)
  for _, type_name in ipairs(model.names) do
    local list = document.value[type_name]
    if list ~= nil then
      collector:entities(type_name, list, { type_name })
    end
  end
  return collector.list
end

records.extend = extend

return records
