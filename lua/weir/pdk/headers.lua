-- Header fields as the namespaces of the PDK share them: reading into tables, checking what is set.
local ffi = require("ffi")
local abi = require("weir.abi")
local add = require("weir.text.fields").add
local limit = require("weir.pdk.limit")
local native = require("weir.pdk.native")

local C = abi.C
local ffi_string = ffi.string
local lower, gsub = string.lower, string.gsub
local type = type

local MAX = limit.MAX

local headers = {}

-- Filled and read within one call.
local fields = ffi.new("struct weir_header[?]", MAX)

local function folded(name)
  return (gsub(lower(name), "_", "-"))
end

-- Plugins index the table in any spelling.
local any_spelling = {
  __index = function(t, key)
    if type(key) ~= "string" then
      return nil
    end
    return rawget(t, folded(key))
  end,
}

--- Iterates over fields: name as it was sent, value. No other function of this module may be
-- called meanwhile.
-- @tparam number where WEIR_HEADERS_…
-- @tparam number max fields
-- @treturn function
function headers.each(where, max)
  local total = C.weir_headers(where, fields, max)
  local i = -1
  return function()
    i = i + 1
    if i < total and i < max then
      local field = fields[i]
      return ffi_string(field.name.p, field.name.n), ffi_string(field.value.p, field.value.n)
    end
  end
end

--- What one field has for values.
-- @tparam number where WEIR_HEADERS_…
-- @tparam string name in any case; "-" and "_" are the same
-- @treturn string|table|nil a list where the field is there more than once
function headers.values(where, name)
  local wanted, values = folded(name), {}
  for field, value in headers.each(where, MAX) do
    if folded(field) == wanted then
      values[#values + 1] = value
    end
  end
  return values[2] and values or values[1]
end

--- All fields.
-- @tparam number where WEIR_HEADERS_…
-- @tparam number max fields to return
-- @tparam ?boolean raw names as they were sent, which is how they are found then
-- @treturn table lower-case name -> value, or list of values; can be indexed in any spelling
-- @treturn nil|string "truncated" when there are more
function headers.read(where, max, raw)
  local total = C.weir_headers(where, fields, max)
  local t = {}
  for i = 0, math.min(total, max) - 1 do
    local field = fields[i]
    local name = ffi_string(field.name.p, field.name.n)
    add(t, raw and name or folded(name), ffi_string(field.value.p, field.value.n))
  end
  if not raw then
    setmetatable(t, any_spelling)
  end
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
