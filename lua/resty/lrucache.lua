-- resty.lrucache: a table of bounded size that forgets what was used longest ago.
--
-- Entries form a ring in the order of use, beside the table from key to entry: `first` is the one
-- used last. An entry that has expired is given once more as stale, and makes room like any other.
local abi = require("weir.abi")

local C = abi.C
local tonumber = tonumber

local lrucache = { _VERSION = "0.13" }
lrucache.__index = lrucache

local function unlink(entry)
  entry.before.after, entry.after.before = entry.after, entry.before
end

local function put_first(ring, entry)
  local second = ring.after
  entry.before, entry.after = ring, second
  ring.after, second.before = entry, entry
end

local function clear(self)
  local ring = {}
  ring.before, ring.after = ring, ring
  self.ring, self.entries, self.used = ring, {}, 0
end

--- Makes a cache.
-- @tparam number size entries, at least 1
-- @treturn table|nil
-- @treturn nil|string
function lrucache.new(size)
  if size < 1 then
    return nil, "size too small"
  end
  local self = setmetatable({ size = size }, lrucache)
  clear(self)
  return self
end

--- Looks a key up.
-- @treturn any|nil the value, nil when there is none or it has expired
-- @treturn any|nil the value that has expired
-- @treturn number|nil flags
function lrucache:get(key)
  local entry = self.entries[key]
  if not entry then
    return nil
  end
  if self.ring.after ~= entry then
    unlink(entry)
    put_first(self.ring, entry)
  end
  if entry.ends and entry.ends < tonumber(C.weir_time_ms()) then
    return nil, entry.value, entry.flags
  end
  return entry.value, nil, entry.flags
end

-- The entry for a new key: that of the key that makes room, or one more.
local function entry_for(self, key)
  local entry
  if self.used >= self.size then
    entry = self.ring.before
    self.entries[entry.key] = nil
    unlink(entry)
  else
    entry = {}
    self.used = self.used + 1
  end
  entry.key = key
  self.entries[key] = entry
  return entry
end

--- Keeps a value.
-- @param key
-- @param value
-- @tparam ?number ttl seconds; without it the value does not expire
-- @tparam ?number flags
function lrucache:set(key, value, ttl, flags)
  local entry = self.entries[key]
  if entry then
    unlink(entry)
  else
    entry = entry_for(self, key)
  end
  put_first(self.ring, entry)
  entry.value = value
  entry.ends = ttl and tonumber(C.weir_time_ms()) + ttl * 1000 or nil
  entry.flags = type(flags) == "number" and flags >= 0 and flags or 0
end

--- Forgets a key.
-- @treturn boolean whether it was there
function lrucache:delete(key)
  local entry = self.entries[key]
  if not entry then
    return false
  end
  unlink(entry)
  self.entries[key] = nil
  self.used = self.used - 1
  return true
end

--- How many entries there are.
function lrucache:count()
  return self.used
end

--- How many there may be.
function lrucache:capacity()
  return self.size
end

--- Keys, those used last first.
-- @tparam ?number max 0 or nil: all
-- @tparam ?table list to be filled
-- @treturn table
function lrucache:get_keys(max, list)
  list = list or {}
  local count = max and max > 0 and math.min(max, self.used) or self.used
  local entry = self.ring.after
  for i = 1, count do
    list[i] = entry.key
    entry = entry.after
  end
  list[count + 1] = nil
  return list
end

--- Forgets everything.
function lrucache:flush_all()
  clear(self)
end

return lrucache
