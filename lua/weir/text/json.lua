-- JSON as OpenResty's lua-cjson has it: Debian's, which does the work, and what that one lacks.
--
-- Lists that are empty are written as such where they are marked (`empty_array_mt`, `array_mt`,
-- `empty_array`), and lists that were read can carry the mark, so that [] does not become {}.
local buffer = require("string.buffer")

local byte, find, match, sub = string.byte, string.find, string.match, string.sub

local json = {}

-- The one whose errors are results: they are texts without a place.
local function load_native()
  local path = assert(package.searchpath("cjson", package.cpath))
  return assert(package.loadlib(path, "luaopen_cjson_safe"))()
end

local native = load_native()
local null = native.null

-- What a function of Debian's gave; what is wrong is raised as it is.
local function given(value, err)
  return value ~= nil and value or error(err, 0)
end

-- Marks, the same for all.
local array_mt, empty_array_mt, empty_array = {}, {}, newproxy()

-- ---- writing

-- More digits than these Debian's does not write, and more than these nobody's lua-cjson.
local NATIVE_DIGITS, MOST_DIGITS = 14, 16

local function is_empty_list(self, t, mark)
  return next(t) == nil and (mark == empty_array_mt or not self.empty_as_object)
end

-- Whether a number needs more digits than Debian's can be told to write.
local function is_long(self, number)
  return self.digits ~= nil and (number % 1 ~= 0 or math.abs(number) >= 10 ^ NATIVE_DIGITS)
    and math.abs(number) < math.huge
end

local is_plain

local function is_plain_table(self, t, depth)
  local mark = getmetatable(t)
  if mark == array_mt or is_empty_list(self, t, mark) then
    return false
  end
  for _, item in next, t do
    if not is_plain(self, item, depth - 1) then
      return false
    end
  end
  return true
end

-- Whether Debian's writes a value as it should be. What is deeper than it would go is its affair.
function is_plain(self, value, depth)
  local kind = type(value)
  if kind == "table" then
    return depth < 0 or is_plain_table(self, value, depth)
  elseif kind == "number" then
    return not is_long(self, value)
  end
  return value ~= empty_array
end

local function text_of(self, value)
  if type(value) == "number" and is_long(self, value) then
    return ("%." .. self.digits .. "g"):format(value)
  end
  local text = given(self.native.encode(value))
  if type(value) == "string" and not self.escape_slash then
    text = text:gsub("\\(.)", { ["/"] = "/" })
  end
  return text
end

-- The highest index and the count of a table whose keys are whole numbers from 1; nil for others.
local function extent(t)
  local highest, count = 0, 0
  for key in next, t do
    if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then
      return nil
    end
    highest, count = math.max(highest, key), count + 1
  end
  return highest, count
end

-- How long a list is that is written for a table; nil for an object.
local function list_length(self, t)
  local mark = getmetatable(t)
  if mark == array_mt then
    return #t
  elseif next(t) == nil then
    return is_empty_list(self, t, mark) and 0 or nil
  end
  local highest, count = extent(t)
  local convert, ratio, safe = self.native.encode_sparse_array()
  if highest and ratio > 0 and highest > count * ratio and highest > safe then
    return not convert and error("Cannot serialise table: excessively sparse array", 0) or nil
  end
  return highest
end

local write

local function write_list(self, t, length, depth)
  for i = 1, length do
    self.out:put(i == 1 and "[" or ",")
    write(self, t[i], depth)
  end
  self.out:put(length == 0 and "[]" or "]")
end

local function write_object(self, t, depth)
  local before = "{"
  for key, value in next, t do
    if type(key) == "number" then
      key = text_of(self, key)
    elseif type(key) ~= "string" then
      error(("Cannot serialise %s: table key must be a number or string"):format(type(key)), 0)
    end
    self.out:put(before, text_of(self, key), ":")
    write(self, value, depth)
    before = ","
  end
  self.out:put(before == "{" and "{}" or "}")
end

function write(self, value, depth)
  if value == empty_array then
    self.out:put("[]")
  elseif type(value) ~= "table" then
    self.out:put(text_of(self, value))
  elseif depth >= self.native.encode_max_depth() then
    error(("Cannot serialise, excessive nesting (%d)"):format(depth + 1), 0)
  else
    local length = list_length(self, value)
    if length then
      write_list(self, value, length, depth + 1)
    else
      write_object(self, value, depth + 1)
    end
  end
end

local function encode(self, value)
  if self.escape_slash and is_plain(self, value, self.native.encode_max_depth()) then
    return given(self.native.encode(value))
  end
  self.out = buffer.new()
  write(self, value, 0)
  return self.out:get()
end

-- ---- reading

-- Marks the lists of a text in which none is empty: keys of objects are texts.
local function mark_lists(value)
  for _, item in next, value do
    if type(item) == "table" then
      mark_lists(item)
    end
  end
  return value[1] ~= nil and setmetatable(value, array_mt) or value
end

-- A second reader, for texts with empty lists. They were read before, so they are well-formed.
local read

local function skip_space(self)
  self.at = find(self.text, "[^ \t\r\n]", self.at)
  return byte(self.text, self.at)
end

-- The text between quotes, as it is written.
local function read_quoted(self)
  local from, to = self.at, self.at + 1
  while true do
    to = find(self.text, '["\\]', to)
    if byte(self.text, to) == 34 then
      self.at = to + 1
      return sub(self.text, from, to)
    end
    to = to + 2
  end
end

local function read_string(self)
  local quoted = read_quoted(self)
  return find(quoted, "\\", 1, true) and self.native.decode(quoted) or sub(quoted, 2, -2)
end

-- Goes to what comes behind a bracket or comma; false when that is the closing bracket.
local function goes_on(self, closing)
  self.at = self.at + 1
  if skip_space(self) == closing then
    self.at = self.at + 1
    return false
  end
  return true
end

local function read_list(self)
  local list, count = {}, 0
  while goes_on(self, 93) do
    list[count + 1], count = read(self), count + 1
    if skip_space(self) == 93 then
      self.at = self.at + 1
      break
    end
  end
  return setmetatable(list, array_mt)
end

local function read_object(self)
  local object = {}
  while goes_on(self, 125) do
    local key = read_string(self)
    skip_space(self)
    self.at = self.at + 1
    object[key] = read(self)
    if skip_space(self) == 125 then
      self.at = self.at + 1
      break
    end
  end
  return object
end

local WORDS = { ["true"] = true, ["false"] = false, null = null }

local function read_scalar(self)
  local word = match(self.text, "^[^,%]} \t\r\n]+", self.at)
  self.at = self.at + #word
  local value = WORDS[word]
  if value == nil then
    return self.native.decode(word)
  end
  return value
end

local readers = { [34] = read_string, [91] = read_list, [123] = read_object }

function read(self)
  return (readers[skip_space(self)] or read_scalar)(self)
end

local function decode(self, text)
  local value, err = self.native.decode(text)
  if value == nil then
    error(err, 0)
  elseif not self.mark_lists or type(value) ~= "table" then
    return value
  elseif not find(text, "%[%s*%]") then
    return mark_lists(value)
  end
  self.text, self.at = text, 1
  return read(self)
end

-- ---- instances

-- A function that tells a setting, and changes it when it is given a value.
local function switch(self, name)
  return function(value)
    if value ~= nil then
      self[name] = value ~= "off" and value ~= false
    end
    return self[name]
  end
end

-- How many digits numbers are written with.
local function precision(self)
  return function(digits)
    if digits == nil then
      return self.digits or self.native.encode_number_precision()
    end
    local is_more = digits > NATIVE_DIGITS and digits <= MOST_DIGITS
    self.digits = is_more and digits or nil
    return is_more and digits or self.native.encode_number_precision(digits)
  end
end

local function with_functions(new, report)
  local self = {
    native = native.new(), empty_as_object = true, escape_slash = true, mark_lists = false,
  }
  local codec = {}
  for name, value in pairs(self.native) do
    codec[name] = value
  end
  codec.array_mt, codec.empty_array_mt, codec.empty_array = array_mt, empty_array_mt, empty_array
  codec.encode_empty_table_as_object = switch(self, "empty_as_object")
  codec.encode_escape_forward_slash = switch(self, "escape_slash")
  codec.decode_array_with_array_mt = switch(self, "mark_lists")
  codec.encode_number_precision = precision(self)
  codec.new = new
  function codec.encode(value)
    return report(pcall(encode, self, value))
  end
  function codec.decode(text)
    return report(pcall(decode, self, text))
  end
  return codec
end

-- Raises what is wrong in the caller of encode() or decode(), which end with a tail call.
local function value_or_error(ok, value)
  if ok then
    return value
  end
  error(value, 2)
end

local function value_or_nil(ok, value)
  if ok then
    return value
  end
  return nil, value
end

--- An instance with settings of its own, whose functions raise what is wrong.
-- @treturn table encode, decode, null, and lua-cjson's settings
function json.new()
  return with_functions(json.new, value_or_error)
end

--- An instance whose functions return nil and what is wrong.
-- @treturn table as for new()
function json.safe()
  return with_functions(json.safe, value_or_nil)
end

return json
