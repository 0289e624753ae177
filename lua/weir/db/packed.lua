-- Entities as one text with sorted indexes, for types of which there may be very many: consumers
-- and what plugins bring.
--
-- The control VM writes it, the snapshot holds it, once for all workers, and these look into it
-- without a copy of their own. An index is an array of entries sorted by their keys: ids, values of
-- unique fields, and for references the id of what is referred to with the entity's own after it.
local buffer = require("string.buffer")
local ffi = require("ffi")
local abi = require("weir.abi")

ffi.cdef("int memcmp(const void *a, const void *b, size_t n);")

local C = abi.C
local entry_pointer = ffi.typeof("const struct weir_packed_entry *")
local entries_type = ffi.typeof("struct weir_packed_entry[?]")
local ENTRY_SIZE = ffi.sizeof("struct weir_packed_entry")

local SIZE_MAX = 2 ^ 32 - 1

-- ---- writing

local Writer = {}
Writer.__index = Writer

-- How much is collected before it is given away.
local PIECE = 64 * 1024

function Writer:give(pointer, size)
  self.target:entities(pointer, size)
  self.size = self.size + size
end

-- Writes the entities of a type. Returns where they are, as entries without keys.
function Writer:records(list)
  local out, places = self.out, entries_type(#list)
  for i, entity in ipairs(list) do
    local before, place = #out, places[i - 1]
    out:encode(entity)
    place.record, place.record_size = self.size + before, #out - before
    if #out > PIECE then
      self:give(out:ref())
      out:reset()
    end
  end
  self:give(out:ref())
  out:reset()
  return places
end

-- The entries of an index, and its keys one after the other. What has no key is not in it.
local function index_of(list, places, key_of, field)
  local keys, entries, count = buffer.new(), entries_type(#list), 0
  for i, entity in ipairs(list) do
    local key = key_of(entity, field)
    if key ~= nil then
      local entry, place = entries[count], places[i - 1]
      entry.key, entry.key_size = #keys, #key
      entry.record, entry.record_size = place.record, place.record_size
      keys:put(key)
      count = count + 1
    end
  end
  return entries, count, keys
end

-- Writes an index and returns where it is: { offset, count }.
function Writer:index(...)
  local entries, count, keys = index_of(...)
  C.weir_sort_packed(entries, count, (keys:ref()))
  for i = 0, count - 1 do
    entries[i].key = entries[i].key + self.size
  end
  keys:put(("\0"):rep(-(self.size + #keys) % ENTRY_SIZE))
  self:give(keys:ref())
  local offset = self.size
  self:give(ffi.cast("const char *", entries), count * ENTRY_SIZE)
  return { offset, count }
end

local function id_of(entity)
  return entity.id
end

local function reference_of(entity, field)
  return entity[field] and entity[field].id .. entity.id
end

local function text_of(entity, field)
  return entity[field] ~= nil and tostring(entity[field]) or nil
end

function Writer:kind(definition, list)
  local places = self:records(list)
  local place = { ids = self:index(list, places, id_of), fields = {} }
  for _, item in ipairs(definition.fields) do
    local name, def = next(item)
    if def.type == "foreign" then
      place.fields[name] = self:index(list, places, reference_of, name)
    elseif def.unique then
      place.fields[name] = self:index(list, places, text_of, name)
    end
  end
  return place
end

local packed = {}

--- Packs the entities of some types.
-- @tparam table config a configuration (weir.declarative)
-- @tparam table kinds names
-- @tparam table target gets the text in pieces, as target:entities(pointer, bytes)
-- @treturn table directory: type -> { ids, fields = { name -> … } }, each { offset, count } of an
-- index
-- @raise when there is too much of it, as a string
function packed.write(config, kinds, target)
  local writer = setmetatable({ out = buffer.new(), target = target, size = 0 }, Writer)
  local directory = {}
  for _, kind in ipairs(kinds) do
    directory[kind] = writer:kind(config.model.definitions[kind], config[kind])
    if writer.size > SIZE_MAX then
      error("consumers and their credentials take more than 4 GiB", 0)
    end
  end
  return directory
end

-- ---- reading

local Reader = {}
Reader.__index = Reader

--- Opens a text.
-- @tparam cdata|userdata base where it begins; it has to stay there while the reader is in use
-- @tparam table directory
function packed.open(base, directory)
  return setmetatable({ base = ffi.cast("const char *", base), directory = directory }, Reader)
end

--- Ends the use of the text. What still reads, an iterator of a timer that has waited for long,
-- gets an error.
function Reader:close()
  self.base = nil
end

--- Whether a type is among them.
function Reader:has(kind)
  return self.directory[kind] ~= nil
end

-- As Lua compares strings.
local function compare(a, a_size, b, b_size)
  local order = ffi.C.memcmp(a, b, math.min(a_size, b_size))
  return order ~= 0 and order or a_size - b_size
end

-- The number, from 0, of the first entry whose key is not less than a key.
local function lower_bound(self, entries, count, key)
  local low, high = 0, count
  while low < high do
    local middle = math.floor((low + high) / 2)
    local entry = entries[middle]
    if compare(self.base + entry.key, entry.key_size, key, #key) < 0 then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

local function entries_of(self, place)
  local base = self.base or error("the configuration that this was read from is gone", 0)
  return ffi.cast(entry_pointer, base + place[1]), place[2]
end

local function decode(self, entry)
  return buffer.decode(ffi.string(self.base + entry.record, entry.record_size))
end

local function find(self, place, key)
  local entries, count = entries_of(self, place)
  local at = lower_bound(self, entries, count, key)
  if at < count and ffi.string(self.base + entries[at].key, entries[at].key_size) == key then
    return decode(self, entries[at])
  end
end

--- The entity of an id.
-- @treturn table|nil
function Reader:get(kind, id)
  return find(self, self.directory[kind].ids, id)
end

--- The entity whose unique field has a value.
-- @treturn table|nil
function Reader:find(kind, field, value)
  return find(self, self.directory[kind].fields[field], tostring(value))
end

-- A part of an index whose keys begin with `prefix`, sorted by the ids after it.
local List = {}
List.__index = List

local function list_of(self, place, prefix, from, to)
  return setmetatable({
    reader = self, place = place, prefix = prefix, from = from, to = to,
  }, List)
end

--- How many entities a list has.
function List:count()
  return self.to - self.from
end

--- An entity, counted from 1.
-- @treturn table|nil
function List:at(i)
  if i < 1 or i > self:count() then
    return nil
  end
  return decode(self.reader, entries_of(self.reader, self.place)[self.from + i - 1])
end

--- Where in the list an id is.
-- @treturn number|nil
function List:position(id)
  local entries, count = entries_of(self.reader, self.place)
  local at = lower_bound(self.reader, entries, count, self.prefix .. id)
  local found = at >= self.from and at < self.to and decode(self.reader, entries[at]).id == id
  return found and at - self.from + 1 or nil
end

--- All entities of a type, sorted by id.
-- @treturn List
function Reader:all(kind)
  local place = self.directory[kind].ids
  return list_of(self, place, "", 0, place[2])
end

--- The entities that refer to another, sorted by id.
-- @treturn List
function Reader:referring(kind, field, id)
  local place = self.directory[kind].fields[field]
  local entries, count = entries_of(self, place)
  -- Ids are made of characters that come before "g".
  return list_of(self, place, id, lower_bound(self, entries, count, id),
    lower_bound(self, entries, count, id .. "g"))
end

return packed
