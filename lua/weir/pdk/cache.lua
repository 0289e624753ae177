-- kong.cache and kong.core_cache: what plugins have worked out, kept for all requests of a worker.
--
-- Each worker has its own, of bounded size, and a new configuration begins with an empty one: what
-- was worked out from the old one is never seen under the new. A request keeps the cache of the
-- configuration that it began with.
--
-- A value is worked out by one request at a time, others that want it wait, if their phase can.
-- What one worker invalidates, none gives out any more: core/vm/api_cache.c.
local abi = require("weir.abi")
local current = require("weir.pdk.current")
local lrucache = require("resty.lrucache")

local C = abi.C

-- Slot -> the number that values of its keys are good with.
local numbers = C.weir_cache_numbers()

local ENTRIES = 100000

-- Seconds that one request waits for another that works a value out, and its pauses meanwhile.
local PATIENCE, STEP, STEP_MAX = 5, 0.001, 0.1

-- Stands for nil: there is no value, and that is known.
local MISS = {}

local Cache = {}
Cache.__index = Cache

local function now()
  return tonumber(C.weir_time_ms()) / 1000
end

-- ---- places

-- The place of a cache in the configuration that is current: { lru, running = { [key] = since } }.
local function place_of(self)
  local generation = current.generation or error("there is no cache outside of workers", 3)
  local caches = generation.caches or {}
  generation.caches = caches
  local place = caches[self]
  if not place then
    place = { lru = lrucache.new(ENTRIES), running = {} }
    caches[self] = place
  end
  return place
end

-- Entries are { value or MISS, ends = when its time is over or nil, slot, number = that of the slot
-- when the value was asked for }.
local function look_up(place, key)
  local entry = place.lru:get(key)
  if entry and entry.number == numbers[entry.slot] and (not entry.ends or entry.ends > now()) then
    return entry
  end
end

-- ---- working values out

-- How long a value, nil maybe, is kept, in seconds: 0 for as long as the configuration lasts, a
-- negative number for not at all. The callback's own answer counts first.
local function lifetime(value, answer, opts)
  local configured = current.generation.settings
  if type(answer) == "number" then
    return answer
  elseif value == nil then
    return opts.neg_ttl or configured.db_cache_neg_ttl
  end
  return opts.ttl or configured.db_cache_ttl
end

local function serialize(value, serializer)
  if value == nil or not serializer then
    return value
  end
  local ok, result, err = pcall(serializer, value)
  if not ok then
    return nil, "l1_serializer threw an error: " .. tostring(result)
  elseif err then
    return nil, err
  elseif result == nil then
    return nil, "l1_serializer returned a nil value"
  end
  return result
end

local function keep(place, key, entry, value, ttl)
  if ttl < 0 then
    return
  end
  entry[1] = value == nil and MISS or value
  entry.ends = ttl > 0 and now() + ttl or nil
  place.lru:set(key, entry)
end

local function slot_of(key)
  return C.weir_cache_slot(key, #key)
end

-- Calls the callback and keeps what it gives. Returns the value; or nil and why not; and the ttl.
local function work_out(place, key, opts, callback, ...)
  local slot = slot_of(key)
  local entry = { slot = slot, number = numbers[slot] }
  place.running[key] = now()
  local ok, value, err, answer = pcall(callback, ...)
  place.running[key] = nil
  if not ok then
    return nil, "callback threw an error: " .. tostring(value)
  elseif err then
    return nil, tostring(err)
  end
  local kept
  kept, err = serialize(value, opts.l1_serializer)
  if err then
    return nil, err
  end
  local ttl = lifetime(value, answer, opts)
  keep(place, key, entry, kept, ttl)
  return kept, nil, ttl
end

-- Waits while another request works a value out. Where nobody can wait, or not any longer, one
-- works for itself: that costs time, and is right all the same.
local function wait_for_other(place, key)
  local step = STEP
  local sleep = require("weir.wait").sleep
  while place.running[key] and now() - place.running[key] < PATIENCE do
    if not pcall(sleep, step) then
      return
    end
    step = math.min(step * 2, STEP_MAX)
  end
end

-- ---- what plugins call

local function check_key(key)
  if type(key) ~= "string" then
    error("key must be a string", 3)
  end
end

local function check_ttl(opts, name)
  local value = opts[name]
  if value ~= nil and type(value) ~= "number" then
    error(("opts.%s must be a number"):format(name), 4)
  elseif value ~= nil and value < 0 then
    error(("opts.%s must be >= 0"):format(name), 4)
  end
end

local NO_OPTIONS = {}

local function check_options(opts)
  if opts == nil then
    return NO_OPTIONS
  elseif type(opts) ~= "table" then
    error("opts must be a table", 3)
  end
  check_ttl(opts, "ttl")
  check_ttl(opts, "neg_ttl")
  if opts.l1_serializer ~= nil and type(opts.l1_serializer) ~= "function" then
    error("opts.l1_serializer must be a function", 3)
  end
  return opts
end

local function check_callback(callback, may_be_nil)
  if type(callback) ~= "function" and not (may_be_nil and callback == nil) then
    error("callback must be a function", 3)
  end
end

-- An entry's value and from where: 1 for a worker's own memory.
local function value_of(entry)
  if entry[1] == MISS then
    return nil, nil, 1
  end
  return entry[1], nil, 1
end

-- Level 3: nobody had it, the callback was called.
local function get(place, key, opts, callback, ...)
  local entry = look_up(place, key)
  if not entry and callback and place.running[key] then
    wait_for_other(place, key)
    entry = look_up(place, key)
  end
  if entry then
    return value_of(entry)
  elseif not callback then
    return nil, nil, -1
  end
  local value, err = work_out(place, key, opts, callback, ...)
  if err then
    return nil, err
  end
  return value, nil, 3
end

--- Reads a value, and works it out when it is not there.
-- @tparam string key
-- @tparam ?table opts ttl, neg_ttl (seconds, 0: as long as the configuration lasts), l1_serializer
-- @tparam ?function callback gives the value (nil is one, too), an error text, a ttl that counts
-- instead of the options'; a negative one keeps nothing
-- @param ... its arguments
-- @treturn any|nil
-- @treturn nil|string
-- @treturn number where it came from: 1 the cache, 3 the callback, -1 nowhere (without a callback)
-- @usage
-- local consumer, err = kong.cache:get(kong.db.consumers:cache_key(id), nil, load_consumer, id)
function Cache:get(key, opts, callback, ...)
  check_key(key)
  opts = check_options(opts)
  check_callback(callback, true)
  local value, err, level = get(place_of(self), key, opts, callback, ...)
  if err then
    return nil, "failed to get from node cache: " .. err
  end
  return value, nil, level
end

--- Works a value out again, whether it is there or not.
-- @tparam string key
-- @tparam ?table opts as for get()
-- @tparam function callback as for get()
-- @tparam any ... its arguments
-- @treturn any|nil
-- @treturn nil|string
-- @treturn number the ttl
function Cache:renew(key, opts, callback, ...)
  check_key(key)
  opts = check_options(opts)
  check_callback(callback)
  local value, err, ttl = work_out(place_of(self), key, opts, callback, ...)
  if err then
    return nil, "failed to renew key in node cache: " .. err
  end
  return value, nil, ttl
end

--- Reads several values.
-- @tparam table bulk { key, opts or nil, callback, argument, key, …, n = keys }
-- @tparam ?table opts
-- @treturn table|nil { value, error, level, value, …, n = its length }
-- @treturn nil|string
function Cache:get_bulk(bulk, opts)
  if type(bulk) ~= "table" then
    error("bulk must be a table", 2)
  elseif opts ~= nil and type(opts) ~= "table" then
    error("opts must be a table", 2)
  elseif type(bulk.n) ~= "number" then
    error("bulk must have n field", 2)
  end
  local place, result = place_of(self), { n = bulk.n * 3 }
  for i = 0, bulk.n - 1 do
    local key, options, callback, argument = unpack(bulk, i * 4 + 1, i * 4 + 4)
    check_key(key)
    options = check_options(options)
    check_callback(callback)
    local at = i * 3
    result[at + 1], result[at + 2], result[at + 3] = get(place, key, options, callback, argument)
  end
  return result
end

--- Looks whether a value is there, without working it out.
-- @tparam string key
-- @treturn number|nil seconds that are left of its time, 0 for one without end; nil: not there
-- @treturn nil|string
-- @treturn any|nil the value
function Cache:probe(key)
  check_key(key)
  local entry = look_up(place_of(self), key)
  if not entry then
    return nil
  end
  return entry.ends and entry.ends - now() or 0, nil, (value_of(entry))
end

--- Forgets a value, in all workers. One that is being worked out meanwhile is not kept, either.
-- @tparam string key
function Cache:invalidate_local(key)
  check_key(key)
  C.weir_cache_forget(slot_of(key))
  place_of(self).lru:delete(key)
end

--- The same: there are no other nodes that it could be told to.
Cache.invalidate = Cache.invalidate_local

--- Forgets everything, in all workers and in both caches.
function Cache:purge()
  for slot = 0, C.WEIR_CACHE_NUMBERS - 1 do
    C.weir_cache_forget(slot)
  end
  place_of(self).lru:flush_all()
end

--- Makes a cache.
function Cache.new()
  return setmetatable({}, Cache)
end

return Cache
