-- The entities of a configuration, found by id, by a field, or all in turn.
--
-- One belongs to a generation of a worker (weir.runner.generation) and shows what that one's
-- configuration says, for as long as requests run on it. Types of which there may be very many are
-- looked up where the snapshot has them (weir.db.packed); of the others, the worker has tables, and
-- indexes that are made when they are first asked for. What it gives out is not to be changed.
local current = require("weir.pdk.current")

local Store = {}
Store.__index = Store

--- Makes a store.
-- @tparam table entities TYPE -> { [id] = entity }
-- @tparam ?table reader for the types that are packed
function Store.new(entities, reader)
  return setmetatable({
    entities = entities, reader = reader, lists = {}, unique = {}, groups = {},
  }, Store)
end

--- The store of the configuration that the current request runs on. What goes on after its
-- configuration is gone, a timer that waits for one, sees the newest.
-- @treturn Store
function Store.current()
  local generation = current.generation
  if generation.retired then
    generation = current.newest
  end
  generation.store = generation.store or Store.new(generation.entities, generation.reader)
  return generation.store
end

-- ---- lists, as those of weir.db.packed

local List = {}
List.__index = List

local function by_id(a, b)
  return a.id < b.id
end

local function list_of(items)
  table.sort(items, by_id)
  return setmetatable({ items = items }, List)
end

--- The entities of a list that a function accepts.
-- @tparam List list
-- @tparam function accepts called with an entity
-- @treturn List
function Store.filter(list, accepts)
  local items = {}
  for i = 1, list:count() do
    local entity = list:at(i)
    items[#items + 1] = accepts(entity) and entity or nil
  end
  return list_of(items)
end

--- How many entities a list has.
function List:count()
  return #self.items
end

--- An entity, counted from 1.
-- @treturn table|nil
function List:at(i)
  return self.items[i]
end

--- Where in the list an id is.
-- @treturn number|nil
function List:position(id)
  for i, entity in ipairs(self.items) do
    if entity.id == id then
      return i
    end
  end
end

local function is_packed(self, kind)
  return self.reader ~= nil and self.reader:has(kind)
end

-- ---- looking up

--- All entities of a type, sorted by id.
-- @tparam string kind
-- @treturn List
function Store:all(kind)
  if is_packed(self, kind) then
    return self.reader:all(kind)
  elseif not self.lists[kind] then
    local items = {}
    for _, entity in pairs(self.entities[kind]) do
      items[#items + 1] = entity
    end
    self.lists[kind] = list_of(items)
  end
  return self.lists[kind]
end

--- The entity of an id.
-- @treturn table|nil
function Store:get(kind, id)
  if is_packed(self, kind) then
    return self.reader:get(kind, id)
  end
  return self.entities[kind][id]
end

-- The index of a type by a name, made by `fill` when it is first asked for.
local function index_of(indexes, kind, name, fill)
  local of_kind = indexes[kind] or {}
  indexes[kind] = of_kind
  local index = of_kind[name]
  if not index then
    index = {}
    fill(index)
    of_kind[name] = index
  end
  return index
end

local function each(list)
  local i = 0
  return function()
    i = i + 1
    return list:at(i)
  end
end

--- The entity that has a value.
-- @tparam string kind
-- @tparam string field a unique one
-- @param value
-- @treturn table|nil
function Store:find(kind, field, value)
  if is_packed(self, kind) then
    return self.reader:find(kind, field, value)
  end
  return self:find_by(kind, field, value, function(entity) return entity[field] end)
end

--- The entity of which a function gives a value.
-- @tparam string kind
-- @tparam string name what the values are
-- @param value
-- @tparam function value_of called with an entity
-- @treturn table|nil
function Store:find_by(kind, name, value, value_of)
  local index = index_of(self.unique, kind, name, function(index)
    for entity in each(self:all(kind)) do
      local key = value_of(entity)
      if key ~= nil then
        index[key] = entity.id
      end
    end
  end)
  return index[value] and self:get(kind, index[value])
end

local NONE = list_of({})

--- The entities that refer to another, sorted by id.
-- @tparam string kind
-- @tparam string field the reference
-- @tparam string id of what they refer to
-- @treturn List
function Store:referring(kind, field, id)
  if is_packed(self, kind) then
    return self.reader:referring(kind, field, id)
  end
  local index = index_of(self.groups, kind, field, function(index)
    for entity in each(self:all(kind)) do
      local target = entity[field] and entity[field].id
      if target then
        index[target] = index[target] or list_of({})
        table.insert(index[target].items, entity)
      end
    end
  end)
  return index[id] or NONE
end

return Store
