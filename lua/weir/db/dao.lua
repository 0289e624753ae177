-- The entities of one type as plugins see them: kong.db.TYPE.
--
-- Reading is Kong's, over the configuration that the current request runs on; what a plugin gets is
-- its own copy. There is no database, so whatever would write is refused in Kong's words.
local null = require("cjson").null
local abi = require("weir.abi")
local current = require("weir.pdk.current")
local errors = require("weir.db.errors")
local Store = require("weir.db.store")
local tables = require("weir.tables")
local uuid = require("weir.text.uuid")
local workspace = require("weir.entities.workspace")

local C = abi.C

local PAGE_SIZE, PAGE_SIZE_MAX = 100, 1000

local Dao = {}
Dao.__index = Dao

local function now()
  return math.floor(tonumber(C.weir_time_ms()) / 1000)
end

-- ---- from the store to the plugin

-- What the file does not say about times is when it was read.
local function fill_times(self, row)
  for _, field in ipairs({ "created_at", "updated_at" }) do
    if self.schema:field(field) and row[field] == nil then
      row[field] = current.generation.loaded_at
    end
  end
end

-- A plugin's own copy of an entity; nil when its time is over. `ttl` is what is left of it.
local function row_of(self, entity, options)
  local row = tables.copy(entity)
  fill_times(self, row)
  if row.ttl then
    row.ttl = (row.created_at or current.generation.loaded_at) + row.ttl - now()
    if row.ttl <= 0 then
      return nil
    end
  end
  if options and options.nulls then
    for _, item in ipairs(self.schema.record.ordered) do
      if row[item.name] == nil then
        row[item.name] = null
      end
    end
  end
  return row
end

-- ---- one entity

-- { id = … } -> the id; or nil and what is wrong, by field.
local function id_of(key)
  local id = key.id
  if type(id) ~= "string" then
    return nil, { id = id == nil and "missing primary key" or "expected a string" }
  elseif not uuid.is_valid(id) then
    return nil, { id = "expected a valid UUID" }
  end
  return id:lower()
end

--- Reads the entity of a primary key.
-- @tparam table key { id = … }
-- @tparam ?table options nulls: unset fields are null
-- @treturn table|nil nil without an error when there is none
-- @treturn nil|string
-- @treturn nil|table
function Dao:select(key, options)
  if type(key) ~= "table" then
    error("primary_key must be a table", 2)
  end
  local id, wrong = id_of(key)
  if not id then
    return errors.invalid_primary_key(wrong)
  end
  local entity = Store.current():get(self.name, id)
  return entity and row_of(self, entity, options)
end

-- select_by_FIELD for a unique field.
local function select_by(field, check)
  return function(self, value, options)
    local why = check(value)
    if why then
      return errors.invalid_unique(field, why)
    end
    local entity = Store.current():find(self.name, field, value)
    return entity and row_of(self, entity, options)
  end
end

--- Reads the entity of a cache key.
-- @tparam string key what cache_key() gave
-- @treturn table|nil
function Dao:select_by_cache_key(key, options)
  if type(key) ~= "string" then
    error("cache_key must be a string", 2)
  elseif not self.definition.cache_key then
    error(("entity does not have a cache_key defined: %s"):format(self.name), 2)
  end
  local entity = Store.current():find_by(self.name, "cache key", key, function(candidate)
    return self:cache_key(candidate)
  end)
  return entity and row_of(self, entity, options)
end

-- The parts of an entity's cache key: its cache_key fields, or its id.
local function key_parts(self, entity)
  local parts = {}
  for i, field in ipairs(self.definition.cache_key or { "id" }) do
    local value = entity[field]
    if value == nil or value == null then
      value = ""
    elseif type(value) == "table" then
      value = value.id
    end
    parts[i] = tostring(value)
  end
  return parts
end

--- The key under which plugins cache an entity.
-- @param key an entity, or the first of up to five parts of the key
-- @treturn string
function Dao:cache_key(key, ...)
  local parts, ws_id
  if type(key) == "table" then
    parts, ws_id = key_parts(self, key), key.ws_id
  else
    local two, three, four, five
    two, three, four, five, ws_id = ...
    parts = { tostring(key or ""), tostring(two or ""), tostring(three or ""),
      tostring(four or ""), tostring(five or "") }
  end
  for i = #parts + 1, 5 do
    parts[i] = ""
  end
  ws_id = ws_id or self.definition.workspaceable and workspace.id or ""
  return ("%s:%s:%s"):format(self.name, table.concat(parts, ":"), ws_id)
end

-- ---- many entities

-- The page size, or what is wrong with it. A value of the wrong type is the plugin's mistake.
local function page_size(size)
  if size == nil then
    return PAGE_SIZE
  elseif type(size) ~= "number" then
    error("size must be a number", 3)
  elseif size < 1 or size > PAGE_SIZE_MAX or size % 1 ~= 0 then
    return nil, ("size must be an integer between 1 and %d"):format(PAGE_SIZE_MAX)
  end
  return size
end

-- Whether an entity has all of some tags, or one of them.
local function has_tags(entity, tags, one_is_enough)
  local has = {}
  for _, tag in ipairs(entity.tags or {}) do
    has[tag] = true
  end
  for _, tag in ipairs(tags) do
    if (has[tag] or false) == one_is_enough then
      return one_is_enough
    end
  end
  return not one_is_enough
end

-- What the options leave of all entities of a type; or nil, the name of an option and what is wrong
-- with it.
local function chosen(self, options)
  local list = Store.current():all(self.name)
  local tags, condition = options and options.tags, options and options.tags_cond or "and"
  if tags == nil then
    return list
  elseif type(tags) ~= "table" then
    return nil, "tags", "expected a set"
  elseif condition ~= "and" and condition ~= "or" then
    return nil, "tags_cond", "expected one of: and, or"
  end
  return Store.filter(list, function(entity)
    return has_tags(entity, tags, condition == "or")
  end)
end

-- A page of a list. An offset is the id that the page begins with.
local function page_of(self, list, size, offset, options)
  local from = offset == nil and 1 or list:position(offset)
  if not from then
    return errors.invalid_offset(offset, "no such entity")
  end
  local rows = {}
  for i = from, math.min(from + size - 1, list:count()) do
    rows[#rows + 1] = row_of(self, list:at(i), options)
  end
  local following = list:at(from + size)
  return rows, nil, nil, following and following.id
end

-- Iterates over a list as Kong does: entity, error, number of the page.
local function each_of(self, list, size, options)
  local i = 0
  return function()
    local entity, row
    repeat
      i = i + 1
      entity = list:at(i)
      row = entity and row_of(self, entity, options)
    until row or not entity
    return row, nil, row and math.ceil(i / size)
  end
end

local function failing(message, err)
  local told = false
  return function()
    if not told then
      told = true
      return false, message, err
    end
  end
end

local function check_offset(offset)
  if offset ~= nil and type(offset) ~= "string" then
    error("offset must be a string", 3)
  end
end

--- Reads a page of all entities.
-- @tparam ?number size 1 to 1000; 100
-- @tparam ?string offset what the page before gave
-- @tparam ?table options nulls; tags (list), tags_cond ("and", "or"): only entities with these tags
-- @treturn table|nil list
-- @treturn nil|string
-- @treturn nil|table
-- @treturn string|nil the offset of the next page, nil after the last
function Dao:page(size, offset, options)
  local count, why = page_size(size)
  check_offset(offset)
  if not count then
    return errors.invalid_size(why)
  end
  local list, option, wrong = chosen(self, options)
  if not list then
    return errors.invalid_option(option, wrong)
  end
  return page_of(self, list, count, offset, options)
end

--- Iterates over all entities.
-- @tparam ?number size of pages
-- @tparam ?table options
-- @treturn function gives entity, error text, number of the page
function Dao:each(size, options)
  local count, why = page_size(size)
  if not count then
    local _, message, err = errors.invalid_size(why)
    return failing(message, err)
  end
  local list, option, wrong = chosen(self, options)
  if not list then
    local _, message, err = errors.invalid_option(option, wrong)
    return failing(message, err)
  end
  return each_of(self, list, count, options)
end

-- What page_for_FIELD and each_for_FIELD have in common: the id that is referred to, and the size.
local function of_reference(key, size)
  if type(key) ~= "table" then
    error("foreign_key must be a table", 3)
  end
  local id, wrong = id_of(key)
  if not id then
    return nil, errors.invalid_foreign_key(wrong)
  end
  local count, why = page_size(size)
  if not count then
    return nil, errors.invalid_size(why)
  end
  return id, count
end

local function page_for(field)
  return function(self, key, size, offset, options)
    local id, count, message, err = of_reference(key, size)
    check_offset(offset)
    if not id then
      return nil, message, err
    end
    return page_of(self, Store.current():referring(self.name, field, id), count, offset, options)
  end
end

local function each_for(field)
  return function(self, key, size, options)
    local id, count, message, err = of_reference(key, size)
    if not id then
      return failing(message, err)
    end
    return each_of(self, Store.current():referring(self.name, field, id), count, options)
  end
end

-- ---- writing

local function refuse(verb)
  return function(self)
    return errors.unsupported(verb, self.name)
  end
end

local WRITES = {
  insert = "create", update = "update", upsert = "create or update", delete = "remove",
}
for name, verb in pairs(WRITES) do
  Dao[name] = refuse(verb)
end

-- ---- making

-- Says what is wrong with a value that is looked for in a field. One of the wrong type is the
-- plugin's mistake.
local function checker(name, def)
  local kind = def.type == "integer" and "number" or def.type
  return function(value)
    if type(value) ~= kind then
      error(("%s must be a %s"):format(name, kind), 3)
    elseif value == "" then
      return "length must be at least 1"
    end
  end
end

local function add_field_methods(self, name, def)
  if def.type == "foreign" then
    self["page_for_" .. name], self["each_for_" .. name] = page_for(name), each_for(name)
  elseif def.unique then
    self["select_by_" .. name] = select_by(name, checker(name, def))
    for write, verb in pairs(WRITES) do
      self[("%s_by_%s"):format(write, name)] = write ~= "insert" and refuse(verb) or nil
    end
  end
end

-- Functions of the plugin's own. `super` has those that they take the place of, `db` is kong.db.
local function add_own_methods(self, methods)
  local super = setmetatable({}, Dao)
  for name, method in pairs(self) do
    super[name] = method
  end
  self.super, self.db = super, require("weir.db")
  for name, method in pairs(methods) do
    self[name] = method
  end
end

--- Makes the access to a type.
-- @tparam table definition (weir.entities); where it names a module, `dao`, that is loaded
-- @tparam Schema schema
function Dao.new(definition, schema)
  local self = setmetatable({ name = definition.name, definition = definition, schema = schema },
    Dao)
  for _, item in ipairs(schema.record.ordered) do
    add_field_methods(self, item.name, item.field.def)
  end
  if definition.dao then
    add_own_methods(self, require(definition.dao))
  end
  return self
end

return Dao
