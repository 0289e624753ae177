-- The entities of a configuration, found by id, by a field, or all in turn.
--
-- One belongs to a generation of a worker (weir.worker) and shows what that one's configuration
-- says, for as long as requests run on it. Indexes are made when they are first asked for. What it
-- gives out is shared, and not to be changed.
local current = require("weir.pdk.current")

local Store = {}
Store.__index = Store

--- Makes a store.
-- @tparam table entities TYPE -> { [id] = entity }
function Store.new(entities)
  return setmetatable({ entities = entities, lists = {}, unique = {}, groups = {} }, Store)
end

--- The store of the configuration that the current request runs on.
-- @treturn Store
function Store.current()
  local generation = current.generation
  generation.store = generation.store or Store.new(generation.entities)
  return generation.store
end

local function by_id(a, b)
  return a.id < b.id
end

--- All entities of a type, sorted by id.
-- @tparam string kind
-- @treturn table list
function Store:all(kind)
  local list = self.lists[kind]
  if not list then
    list = {}
    for _, entity in pairs(self.entities[kind]) do
      list[#list + 1] = entity
    end
    table.sort(list, by_id)
    self.lists[kind] = list
  end
  return list
end

--- The entity of an id.
-- @treturn table|nil
function Store:get(kind, id)
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

--- The entity that has a value.
-- @tparam string kind
-- @tparam string name of the index: a field, or what else the values are
-- @param value
-- @tparam ?function value_of called with an entity, for values that are no field's
-- @treturn table|nil
function Store:find(kind, name, value, value_of)
  local index = index_of(self.unique, kind, name, function(index)
    for _, entity in pairs(self.entities[kind]) do
      local key
      if value_of then
        key = value_of(entity)
      else
        key = entity[name]
      end
      if key ~= nil then
        index[key] = entity
      end
    end
  end)
  return index[value]
end

local NONE = {}

--- The entities that refer to another, sorted by id.
-- @tparam string kind
-- @tparam string field the reference
-- @tparam string id of what they refer to
-- @treturn table list
function Store:referring(kind, field, id)
  local index = index_of(self.groups, kind, field, function(index)
    for _, entity in ipairs(self:all(kind)) do
      local target = entity[field] and entity[field].id
      if target then
        index[target] = index[target] or {}
        table.insert(index[target], entity)
      end
    end
  end)
  return index[id] or NONE
end

return Store
