-- Writes the text that weir.db.packed reads: all entities as they come, then, type by type, the
-- indexes, each behind its keys.
--
-- What is written goes to the snapshot at once. Only the indexes are kept until the end.
local buffer = require("string.buffer")
local ffi = require("ffi")
local C = require("weir.abi").C

local entry_type = ffi.typeof("struct weir_packed_entry")
local entries_pointer = ffi.typeof("struct weir_packed_entry *")
local ENTRY_SIZE = ffi.sizeof(entry_type)

local SIZE_MAX = 2 ^ 32 - 1

-- How much is collected before it is given away.
local PIECE = 64 * 1024

local Packer = {}
Packer.__index = Packer

--- Makes one.
-- @tparam table target gets the text in pieces, as target:entities(pointer, bytes)
-- @treturn Packer
function Packer.new(target)
  return setmetatable({
    target = target, size = 0, out = buffer.new(), indexes = {}, entry = entry_type(),
  }, Packer)
end

-- ---- indexes

-- What is found by: the id, values of unique fields, and for references the id of what is referred
-- to with the entity's own after it.

local function id_of(entity)
  return entity.id
end

local function reference_of(entity, field)
  return entity[field] and entity[field].id .. entity.id
end

local function text_of(entity, field)
  return entity[field] ~= nil and tostring(entity[field]) or nil
end

local function new_index(key_of, field)
  return { key_of = key_of, field = field, keys = buffer.new(), entries = buffer.new(), count = 0 }
end

-- The indexes of a type, that of the ids first.
local function indexes_of(self, definition)
  local list = self.indexes[definition.name]
  if not list then
    list = { new_index(id_of) }
    for _, item in ipairs(definition.fields) do
      local name, def = next(item)
      if def.type == "foreign" then
        list[#list + 1] = new_index(reference_of, name)
      elseif def.unique then
        list[#list + 1] = new_index(text_of, name)
      end
    end
    self.indexes[definition.name] = list
  end
  return list
end

-- Adds an entity, of which `entry` says where it is. What has no key is not in the index.
local function add_to(index, entity, entry)
  local key = index.key_of(entity, index.field)
  if key ~= nil then
    entry.key, entry.key_size = #index.keys, #key
    index.keys:put(key)
    index.entries:putcdata(entry, ENTRY_SIZE)
    index.count = index.count + 1
  end
end

-- ---- writing

local function give(self, pointer, size)
  self.target:entities(pointer, size)
  self.size = self.size + size
end

local function give_all(self, out)
  give(self, out:ref())
  out:reset()
end

--- Adds an entity.
-- @tparam table definition its type (weir.entities)
-- @tparam table entity with its id, references resolved
function Packer:add(definition, entity)
  local out, entry = self.out, self.entry
  local before = #out
  out:encode(entity)
  entry.record, entry.record_size = self.size + before, #out - before
  for _, index in ipairs(indexes_of(self, definition)) do
    add_to(index, entity, entry)
  end
  if #out > PIECE then
    give_all(self, out)
  end
end

-- Writes an index and returns where it is: { offset, count }.
local function write_index(self, index)
  local keys, count = index.keys, index.count
  local entries = ffi.cast(entries_pointer, (index.entries:ref()))
  C.weir_sort_packed(entries, count, (keys:ref()))
  for i = 0, count - 1 do
    entries[i].key = entries[i].key + self.size
  end
  keys:put(("\0"):rep(-(self.size + #keys) % ENTRY_SIZE))
  give_all(self, keys)
  local offset = self.size
  give_all(self, index.entries)
  return { offset, count }
end

--- Writes what is left to write.
-- @tparam table definitions of the types, also those without entities
-- @treturn table directory: type -> { ids, fields = { name -> … } }, each { offset, count } of an
-- index
-- @raise when there is too much of it, as a string
function Packer:finish(definitions)
  give_all(self, self.out)
  local directory = {}
  for _, definition in ipairs(definitions) do
    local place = { fields = {} }
    for _, index in ipairs(indexes_of(self, definition)) do
      local where = write_index(self, index)
      if index.field then
        place.fields[index.field] = where
      else
        place.ids = where
      end
    end
    directory[definition.name] = place
  end
  if self.size > SIZE_MAX then
    error("consumers and their credentials take more than 4 GiB", 0)
  end
  return directory
end

return Packer
