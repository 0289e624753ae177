-- Entities as one text with sorted indexes, for types of which there may be very many: consumers
-- and what plugins bring.
--
-- The control VM writes it (weir.db.packer), the snapshot holds it, once for all workers, and these
-- look into it without a copy of their own. An index is an array of entries sorted by their keys:
-- ids, values of unique fields, and for references the id of what is referred to with the entity's
-- own after it.
local buffer = require("string.buffer")
local ffi = require("ffi")

require("weir.abi") -- declares struct weir_packed_entry

ffi.cdef("int memcmp(const void *a, const void *b, size_t n);")

local entry_pointer = ffi.typeof("const struct weir_packed_entry *")

local packed = {}

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
