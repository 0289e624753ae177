-- Header fields as the namespaces of the PDK share them: reading into tables, checking what is set.
local ffi = require("ffi")
local abi = require("weir.abi")
local native = require("weir.pdk.native")

local C = abi.C
local ffi_string = ffi.string
local lower, gsub = string.lower, string.gsub
local type = type

local DEFAULT, MAX = 100, 1000

local headers = {}

-- Filled and read within one call.
local fields = ffi.new("struct weir_header[?]", MAX)

-- Plugins index the table in any spelling.
local any_spelling = {
  __index = function(t, key)
    if type(key) ~= "string" then
      return nil
    end
    return rawget(t, (gsub(lower(key), "_", "-")))
  end,
}

local function insert(t, name, value)
  local old = rawget(t, name)
  if old == nil then
    t[name] = value
  elseif type(old) == "table" then
    old[#old + 1] = value
  else
    t[name] = { old, value }
  end
end

--- Checks the argument of get_headers().
-- @treturn number
function headers.limit(max)
  if max == nil then
    return DEFAULT
  elseif type(max) ~= "number" then
    error("max_headers must be a number", 3)
  elseif max < 1 then
    error("max_headers must be >= 1", 3)
  elseif max > MAX then
    error("max_headers must be <= " .. MAX, 3)
  end
  return max
end

--- All fields.
-- @tparam number where WEIR_HEADERS_…
-- @tparam number max fields to return
-- @treturn table lower-case name -> value, or list of values; can be indexed in any spelling
-- @treturn nil|string "truncated" when there are more
function headers.read(where, max)
  local total = C.weir_headers(where, fields, max)
  local t = {}
  for i = 0, math.min(total, max) - 1 do
    local field = fields[i]
    local name = gsub(lower(ffi_string(field.name.p, field.name.n)), "_", "-")
    insert(t, name, ffi_string(field.value.p, field.value.n))
  end
  setmetatable(t, any_spelling)
  if total > max then
    return t, "truncated"
  end
  return t
end

-- ---- checking. `level` is the one to blame, as for error(): the plugin, whoever it went through.

local BAD, PHASE = -3, -1 -- WEIR_ERR_BAD, WEIR_ERR_PHASE

function headers.check_name(name, level)
  if type(name) ~= "string" then
    error(('invalid header name "%s": got %s, expected string'):format(tostring(name), type(name)),
      level or 3)
  end
end

local function is_plain(value)
  local kind = type(value)
  return kind == "string" or kind == "number" or kind == "boolean"
end

function headers.check_value(name, value, level)
  if is_plain(value) then
    return
  end
  level = level or 3
  if type(value) ~= "table" then
    error(('invalid header value for "%s": got %s, expected array of string, string, number or '
      .. "boolean"):format(name, type(value)), level)
  end
  for _, item in ipairs(value) do
    if not is_plain(item) then
      error(('invalid header value in array "%s": got %s, expected string'):format(name,
        type(item)), level)
    end
  end
end

--- Checks a table of header fields.
function headers.check_all(all, level)
  level = level or 3
  if type(all) ~= "table" then
    error("headers must be a table", level)
  end
  for name, value in pairs(all) do
    headers.check_name(name, level + 1)
    headers.check_value(name, value, level + 1)
  end
end

-- The core refuses what would break the framing of messages (line breaks, bad names).
local function checked(result)
  if result == BAD then
    error(native.problem(result), 4)
  elseif result == PHASE then
    error("headers have already been sent", 4)
  end
end

-- ---- changing

local function text_of(value)
  return type(value) == "string" and value or tostring(value)
end

--- Replaces a field by one value, or by several fields of that name.
-- @tparam number where WEIR_HEADERS_…
-- @tparam string name
-- @tparam string|number|boolean|table value
function headers.set(where, name, value)
  if type(value) ~= "table" then
    local text = text_of(value)
    checked(C.weir_header_set(where, name, #name, text, #text))
    return
  end
  checked(C.weir_header_remove(where, name, #name))
  for _, item in ipairs(value) do
    local text = text_of(item)
    checked(C.weir_header_add(where, name, #name, text, #text))
  end
end

--- Adds a field, or several.
function headers.add(where, name, value)
  if type(value) ~= "table" then
    local text = text_of(value)
    checked(C.weir_header_add(where, name, #name, text, #text))
    return
  end
  for _, item in ipairs(value) do
    local text = text_of(item)
    checked(C.weir_header_add(where, name, #name, text, #text))
  end
end

--- Removes all fields of a name.
function headers.clear(where, name)
  checked(C.weir_header_remove(where, name, #name))
end

return headers
