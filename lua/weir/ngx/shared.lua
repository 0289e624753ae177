-- ngx.shared: dictionaries that all workers share, with ngx_lua's functions and error texts.
--
-- core/base/dict.h says how they are made.
local ffi = require("ffi")
local abi = require("weir.abi")
local shared_dicts = require("weir.settings.shared_dicts")

local C = abi.C
local ffi_string = ffi.string
local error, setmetatable, tonumber, tostring, type = error, setmetatable, tonumber, tostring, type

local KEY_MAX = 65535

local OK, NOT_FOUND = C.WEIR_DICT_OK, C.WEIR_DICT_NOT_FOUND
local BOOLEAN, NUMBER, STRING = C.WEIR_DICT_BOOLEAN, C.WEIR_DICT_NUMBER, C.WEIR_DICT_STRING
local SET, ADD, REPLACE, SAFE = C.WEIR_DICT_SET, C.WEIR_DICT_ADD, C.WEIR_DICT_REPLACE,
  C.WEIR_DICT_SAFE

local ERRORS = {
  [C.WEIR_DICT_NOT_FOUND] = "not found", [C.WEIR_DICT_EXISTS] = "exists",
  [C.WEIR_DICT_NO_MEMORY] = "no memory", [C.WEIR_DICT_NOT_A_NUMBER] = "not a number",
  [C.WEIR_DICT_IS_A_LIST] = "value is a list", [C.WEIR_DICT_NOT_A_LIST] = "value not a list",
}

-- Filled and read within one call: nothing of Lua runs in between.
local value_in = ffi.new("struct weir_dict_value")
local value_out = ffi.new("struct weir_dict_value")
local forced = ffi.new("int[1]")
local number = ffi.new("double[1]")
local length = ffi.new("size_t[1]")
local ttl_out = ffi.new("int64_t[1]")
local slice = ffi.new("struct weir_str")

local Dict = {}
Dict.__index = Dict

-- ---- arguments

local function check(self)
  local handle = type(self) == "table" and self[1]
  if type(handle) ~= "cdata" then
    error('bad "zone" argument', 3)
  end
  return handle
end

-- The key as a text; nil and what is wrong with it.
local function check_key(key)
  if key == nil then
    return nil, "nil key"
  end
  key = type(key) == "string" and key or tostring(key)
  if #key == 0 then
    return nil, "empty key"
  elseif #key > KEY_MAX then
    return nil, "key too long"
  end
  return key
end

local function check_ttl(seconds, what)
  if seconds == nil then
    return 0
  end
  local value = tonumber(seconds)
  if not value or value < 0 then
    error(('bad "%s" argument'):format(what), 4)
  end
  -- A time that is not over at once.
  return value > 0 and math.max(value * 1000, 1) or 0
end

-- Fills value_in; false for a type that is not kept.
local function take(value)
  local kind = type(value)
  value_in.text.n = 0
  if kind == "string" then
    value_in.type, value_in.text.p, value_in.text.n = STRING, value, #value
  elseif kind == "number" then
    value_in.type, value_in.number = NUMBER, value
  elseif kind == "boolean" then
    value_in.type, value_in.number = BOOLEAN, value and 1 or 0
  elseif value == nil then
    value_in.type = C.WEIR_DICT_NONE
  else
    return false
  end
  return true
end

-- What value_out holds.
local function give()
  if value_out.type == STRING then
    return ffi_string(value_out.text.p, value_out.text.n)
  elseif value_out.type == BOOLEAN then
    return value_out.number ~= 0
  end
  return value_out.number
end

-- ---- values

local function get(self, key, stale)
  local handle = check(self)
  local text, err = check_key(key)
  if not text then
    return nil, err
  end
  local result = C.weir_dict_get(handle, text, #text, stale, value_out)
  if result == NOT_FOUND then
    return nil
  elseif result ~= OK then
    return nil, ERRORS[result]
  end
  return give(), value_out.flags ~= 0 and value_out.flags or nil
end

--- A value.
-- @tparam string key
-- @treturn string|number|boolean|nil
-- @treturn number|string|nil flags, if they are not 0; what is wrong
function Dict:get(key)
  return get(self, key, 0)
end

--- A value, also one whose time is over.
-- @tparam string key
-- @treturn string|number|boolean|nil
-- @treturn number|string|nil flags, if they are not 0; what is wrong
-- @treturn boolean|nil whether its time is over
function Dict:get_stale(key)
  local value, flags = get(self, key, 1)
  if value == nil then
    return nil, flags
  end
  return value, flags, value_out.stale ~= 0
end

local function put(self, how, key, value, exptime, flags)
  local handle = check(self)
  local ttl = check_ttl(exptime, "exptime")
  local text, err = check_key(key)
  if not text then
    return nil, err
  elseif not take(value) then
    return nil, "bad value type"
  end
  value_in.flags = flags or 0
  local result = C.weir_dict_put(handle, text, #text, value_in, how, ttl, forced)
  if result == OK then
    return true, nil, forced[0] == 1
  end
  return false, ERRORS[result], forced[0] == 1
end

--- Puts a value in, whatever has to go for it.
-- @param key
-- @param value string, number, boolean, or nil, which takes the key away
-- @tparam ?number exptime seconds; 0 or nil: no end
-- @tparam ?number flags any 32 bits
-- @treturn boolean|nil
-- @treturn nil|string "no memory"
-- @treturn boolean whether values went before their time
function Dict:set(key, value, exptime, flags)
  return put(self, SET, key, value, exptime, flags)
end

--- Like set(), but nothing goes before its time.
-- @tparam string key
-- @tparam string|number|boolean|nil value
-- @tparam ?number exptime seconds; 0 or nil: no end
-- @tparam ?number flags any 32 bits
-- @treturn boolean|nil
-- @treturn nil|string what is wrong
-- @treturn boolean whether values went before their time
function Dict:safe_set(key, value, exptime, flags)
  return put(self, SET + SAFE, key, value, exptime, flags)
end

--- Like set(), for a key that is not there ("exists").
-- @tparam string key
-- @tparam string|number|boolean|nil value
-- @tparam ?number exptime seconds; 0 or nil: no end
-- @tparam ?number flags any 32 bits
-- @treturn boolean|nil
-- @treturn nil|string what is wrong
-- @treturn boolean whether values went before their time
function Dict:add(key, value, exptime, flags)
  return put(self, ADD, key, value, exptime, flags)
end

--- Like add(), but nothing goes before its time.
-- @tparam string key
-- @tparam string|number|boolean|nil value
-- @tparam ?number exptime seconds; 0 or nil: no end
-- @tparam ?number flags any 32 bits
-- @treturn boolean|nil
-- @treturn nil|string what is wrong
-- @treturn boolean whether values went before their time
function Dict:safe_add(key, value, exptime, flags)
  return put(self, ADD + SAFE, key, value, exptime, flags)
end

--- Like set(), for a key that is there ("not found").
-- @tparam string key
-- @tparam string|number|boolean|nil value
-- @tparam ?number exptime seconds; 0 or nil: no end
-- @tparam ?number flags any 32 bits
-- @treturn boolean|nil
-- @treturn nil|string what is wrong
-- @treturn boolean whether values went before their time
function Dict:replace(key, value, exptime, flags)
  return put(self, REPLACE, key, value, exptime, flags)
end

--- Takes a key away.
-- @tparam string key
-- @treturn boolean|nil
-- @treturn nil|string
function Dict:delete(key)
  return put(self, SET, key, nil)
end

local function number_argument(value, name)
  local result = tonumber(value)
  if value ~= nil and not result then
    error(("bad %s arg: number expected, got %s"):format(name, type(value)), 3)
  end
  return result
end

--- Adds to a number.
-- @param key
-- @tparam number value
-- @tparam ?number init what a key that is not there begins with
-- @tparam ?number init_ttl seconds that a new key lasts
-- @treturn number|nil the sum
-- @treturn nil|string "not found", "not a number", "no memory"
-- @treturn boolean|nil with `init`: whether values went before their time
function Dict:incr(key, value, init, init_ttl)
  local handle = check(self)
  local text, err = check_key(key)
  if not text then
    return nil, err
  end
  number[0] = number_argument(value, "value") or error("bad value arg: number expected, got nil", 2)
  init = number_argument(init, "init")
  if init_ttl ~= nil then
    init_ttl = number_argument(init_ttl, "init_ttl")
    if not init then
      error('must provide "init" when providing "init_ttl"', 2)
    end
  end
  local result = C.weir_dict_incr(handle, text, #text, number, init and 1 or 0, init or 0,
    check_ttl(init_ttl, "init_ttl"), forced)
  if result ~= OK then
    return nil, ERRORS[result]
  elseif not init then
    return number[0]
  end
  return number[0], nil, forced[0] == 1
end

-- ---- lists

local function push(self, left, key, value)
  local handle = check(self)
  local text, err = check_key(key)
  local kind = type(value)
  if not text then
    return nil, err
  elseif kind ~= "string" and kind ~= "number" then
    return nil, "bad value type"
  end
  take(value)
  local result = C.weir_dict_push(handle, text, #text, left, value_in, length)
  if result ~= OK then
    return nil, ERRORS[result]
  end
  return tonumber(length[0])
end

local function pop(self, left, key)
  local handle = check(self)
  local text, err = check_key(key)
  if not text then
    return nil, err
  end
  local result = C.weir_dict_pop(handle, text, #text, left, value_out)
  if result == NOT_FOUND then
    return nil
  elseif result ~= OK then
    return nil, ERRORS[result]
  end
  return give()
end

--- Puts a string or number before a list, which is made if it is not there. Nothing goes for it.
-- @tparam string key
-- @tparam string|number value
-- @treturn number|nil how long the list is
-- @treturn nil|string "value not a list", "no memory"
function Dict:lpush(key, value)
  return push(self, 1, key, value)
end

--- Puts a string or number behind a list.
-- @tparam string key
-- @tparam string|number value
-- @treturn number|nil how long the list is
-- @treturn nil|string "value not a list", "no memory"
function Dict:rpush(key, value)
  return push(self, 0, key, value)
end

--- Takes the first value of a list.
-- @tparam string key
-- @treturn string|number|nil
-- @treturn nil|string "value not a list"
function Dict:lpop(key)
  return pop(self, 1, key)
end

--- Takes the last value of a list.
-- @tparam string key
-- @treturn string|number|nil
-- @treturn nil|string "value not a list"
function Dict:rpop(key)
  return pop(self, 0, key)
end

--- How long a list is, 0 when it is not there.
-- @tparam string key
-- @treturn number|nil
-- @treturn nil|string "value not a list"
function Dict:llen(key)
  local handle = check(self)
  local text, err = check_key(key)
  if not text then
    return nil, err
  end
  local result = C.weir_dict_length(handle, text, #text, length)
  if result ~= OK then
    return nil, ERRORS[result]
  end
  return tonumber(length[0])
end

-- ---- time

--- How many seconds a value has left, 0 when it has no end.
-- @tparam string key
-- @treturn number|nil
-- @treturn nil|string "not found"
function Dict:ttl(key)
  local handle = check(self)
  local text, err = check_key(key)
  if not text then
    return nil, err
  end
  local result = C.weir_dict_ttl(handle, text, #text, ttl_out)
  if result ~= OK then
    return nil, ERRORS[result]
  end
  return tonumber(ttl_out[0]) / 1000
end

--- Sets how many seconds a value has left; 0: no end.
-- @tparam string key
-- @tparam number exptime
-- @treturn true|nil
-- @treturn nil|string "not found"
function Dict:expire(key, exptime)
  local handle = check(self)
  if not exptime then
    error('bad "exptime" argument', 2)
  end
  local ttl = check_ttl(exptime, "exptime")
  local text, err = check_key(key)
  if not text then
    return nil, err
  end
  local result = C.weir_dict_expire(handle, text, #text, ttl)
  if result ~= OK then
    return nil, ERRORS[result]
  end
  return true
end

-- ---- all of it

--- The time of all values is over.
function Dict:flush_all()
  C.weir_dict_flush_all(check(self))
end

--- Frees the memory of values whose time is over.
-- @tparam ?number max how many; 0 or nil: all
-- @treturn number how many there were
function Dict:flush_expired(max)
  return tonumber(C.weir_dict_flush_expired(check(self), math.max(max or 0, 0)))
end

--- Keys.
-- @tparam ?number max 1024 if nil; 0: all
-- @treturn {string,...}
function Dict:get_keys(max)
  local count = tonumber(C.weir_dict_keys(check(self), math.max(max or 1024, 0), slice))
  local keys, at = {}, slice.p
  local size = ffi.new("uint32_t[1]")
  for i = 1, count do
    ffi.copy(size, at, 4)
    keys[i] = ffi_string(at + 4, size[0])
    at = at + 4 + size[0]
  end
  return keys
end

--- Bytes that it may take.
-- @treturn number
function Dict:capacity()
  return tonumber(C.weir_dict_capacity(check(self)))
end

--- Bytes that it could still take. OpenResty counts whole pages.
-- @treturn number
function Dict:free_space()
  return tonumber(C.weir_dict_free_space(check(self)))
end

-- ---- which there are

local shared = {}

-- Names to what plugins see of them: the table ngx.shared itself.
shared.dictionaries = {}

--- Makes the dictionaries of the settings (weir.settings.shared_dicts), unless they are there.
-- @tparam table settings by name
function shared.open(settings)
  for _, entry in ipairs(shared_dicts.all(settings)) do
    local name = entry.name
    if not shared.dictionaries[name] then
      local handle = C.weir_dict_open(name, #name, entry.size)
      shared.dictionaries[name] = setmetatable({ handle }, Dict)
    end
  end
end

return shared
