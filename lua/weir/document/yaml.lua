-- YAML from libyaml's events to Lua values with positions.
--
-- Plain scalars become what lyaml, and so Kong, makes of them, with two exceptions that stay
-- strings: base 60 numbers (`10:30`), and not-a-number and the infinities, which no range check
-- would catch.
local ffi = require("ffi")
local abi = require("weir.abi")
local null = require("cjson").null

local C = abi.C

local END, SCALAR, ALIAS = C.WEIR_YAML_END, C.WEIR_YAML_SCALAR, C.WEIR_YAML_ALIAS
local SEQUENCE, SEQUENCE_END = C.WEIR_YAML_SEQUENCE, C.WEIR_YAML_SEQUENCE_END
local MAPPING_END = C.WEIR_YAML_MAPPING_END

local MAX_DEPTH = 100

-- How many values all aliases of a document may add together. It stops texts in which aliases of
-- aliases multiply to gigabytes ("billion laughs").
local MAX_ALIASED = 100000

local OPEN = {}    -- stands for an anchor whose node is still being read

local WORDS = {
  [""] = null, ["~"] = null, null = null, Null = null, NULL = null,
  ["true"] = true, True = true, TRUE = true, yes = true, Yes = true, YES = true,
  on = true, On = true, ON = true,
  ["false"] = false, False = false, FALSE = false, no = false, No = false, NO = false,
  off = false, Off = false, OFF = false,
}

local function to_integer(text)
  local sign, digits = text:match("^([-+]?)(%d[%w_]*)$")
  if not digits then
    return nil
  end
  digits = digits:gsub("_", "")
  local value
  if digits:find("^0[xX]%x+$") then
    value = tonumber(digits:sub(3), 16)
  elseif digits:find("^0b[01]+$") then
    value = tonumber(digits:sub(3), 2)
  elseif digits:find("^0[0-7]+$") then
    value = tonumber(digits, 8)
  elseif digits == "0" or digits:find("^[1-9]%d*$") then
    value = tonumber(digits)
  end
  return value and (sign == "-" and -value or value)
end

local function to_float(text)
  local digits = text:gsub("_", "")
  local mantissa, exponent = digits:match("^[-+]?([%d.]+)(.*)$")
  local well_formed = mantissa
    and mantissa:find("%d")
    and (exponent == "" and mantissa:find(".", 1, true) or exponent:find("^[eE][-+]?%d+$"))
  local value = well_formed and tonumber(digits)
  return value and value > -math.huge and value < math.huge and value or nil
end

local NINE = ("9"):byte()

local function resolve_plain(text)
  local value = WORDS[text]
  if value ~= nil then
    return value
  elseif text:byte() > NINE then
    return text    -- numbers begin with a digit, a sign or a point, and all of them sort before
  end
  value = to_integer(text)
  if value == nil then
    value = to_float(text)
  end
  return value == nil and text or value
end

local TAG = "tag:yaml.org,2002:"

-- What an explicit tag makes of a scalar's text; nil when the text does not fit the tag.
local TAGGED = {
  ["!"] = function(text) return text end,
  [TAG .. "str"] = function(text) return text end,
  [TAG .. "int"] = to_integer,
  [TAG .. "float"] = function(text) return to_float(text) or to_integer(text) end,
  [TAG .. "null"] = function(text) return WORDS[text] == null and null or nil end,
  [TAG .. "bool"] = function(text)
    local value = WORDS[text]
    return type(value) == "boolean" and value or nil
  end,
}

-- The event that is current is in `event`. The next one takes its place, so what is needed of it
-- beyond that, mostly its mark, is taken first.
local Composer = {}
Composer.__index = Composer

function Composer:fail(mark, message)
  local line, column = self.marks.decode(mark)
  error({ line = line, col = column, message = message }, 0)
end

function Composer:mark()
  return self.marks.encode(self.event.line, self.event.column)
end

-- What to add to a problem in a line that a tab begins: nobody sees it there.
local function about_tabs(text, number)
  for line in text:gmatch("([^\n]*)\n?") do
    number = number - 1
    if number == 0 then
      return line:find("^ *\t") and "; indent with spaces: YAML takes no tabs for that" or ""
    end
  end
  return ""
end

-- Goes on to the next event and returns its kind.
function Composer:next()
  local kind = C.weir_yaml_next(self.reader, self.event)
  if kind < 0 then
    local problem = ffi.string(C.weir_error())
    self:fail(self:mark(), problem .. about_tabs(self.text, self.event.line))
  end
  return kind
end

-- nil for what the event does not have.
local function text_of(slice)
  return slice.p ~= nil and ffi.string(slice.p, slice.n) or nil
end

function Composer:scalar()
  local value, tag = text_of(self.event.value), text_of(self.event.tag)
  if tag then
    local resolve = TAGGED[tag]
    if not resolve then
      self:fail(self:mark(), ("unsupported tag '%s'"):format(tag))
    end
    local resolved = resolve(value)
    if resolved == nil then
      self:fail(self:mark(), ("'%s' does not fit the tag '%s'"):format(value, tag))
    end
    return resolved
  elseif self.event.plain ~= 0 then
    return resolve_plain(value)
  end
  return value
end

function Composer:alias()
  local name, mark = text_of(self.event.anchor), self:mark()
  local anchor = self.anchors[name]
  if not anchor then
    self:fail(mark, ("alias '*%s' has no anchor"):format(name))
  elseif anchor == OPEN then
    self:fail(mark, ("alias '*%s' stands inside its own anchor"):format(name))
  end
  self.aliased = self.aliased + anchor.size
  if self.aliased > MAX_ALIASED then
    self:fail(mark, ("aliases add more than %d values"):format(MAX_ALIASED))
  end
  self.size = self.size + anchor.size
  return anchor.value
end

-- Copies what `source` has and `map` has not, with the positions of the source.
function Composer:merge(map, source, mark)
  if self.marks:kind(source) ~= "map" then
    self:fail(mark, "the value of '<<' is neither a mapping nor a list of mappings")
  end
  for key, value in pairs(source) do
    if map[key] == nil then
      map[key] = value
      self.marks:entry(map, key, self.marks:entry_at(source, key))
    end
  end
end

function Composer:merge_all(map, merges)
  for _, merge in ipairs(merges) do
    if self.marks:kind(merge.value) == "array" then
      for _, source in ipairs(merge.value) do
        self:merge(map, source, merge.mark)
      end
    else
      self:merge(map, merge.value, merge.mark)
    end
  end
end

-- The key of an entry. Whatever it looks like, it is text.
function Composer:key(kind)
  if kind ~= SCALAR then
    self:fail(self:mark(), "a key must be a plain or quoted scalar")
  end
  return text_of(self.event.value)
end

local NO_MERGES = {}

function Composer:mapping(map, depth)
  local merges = NO_MERGES
  local kind = self:next()
  while kind ~= MAPPING_END do
    local key, key_mark = self:key(kind), self:mark()
    local merging = key == "<<" and self.event.plain ~= 0
    if not merging and map[key] ~= nil then
      self:fail(key_mark, ("duplicate key '%s'"):format(key))
    end
    kind = self:next()
    local value_mark = self:mark()
    local value = self:node(kind, depth)
    if merging then
      merges = merges == NO_MERGES and {} or merges
      merges[#merges + 1] = { value = value, mark = value_mark }
    else
      map[key] = value
      self.marks:entry(map, key, key_mark, value_mark)
    end
    kind = self:next()
  end
  self:merge_all(map, merges)
end

function Composer:sequence(array, depth)
  local index = 0
  local kind = self:next()
  while kind ~= SEQUENCE_END do
    local mark = self:mark()
    index = index + 1
    array[index] = self:node(kind, depth)
    self.marks:entry(array, index, mark, mark)
    kind = self:next()
  end
end

function Composer:collection(kind, depth)
  local collection, mark, tag = {}, self:mark(), text_of(self.event.tag)
  local what, allowed = "map", TAG .. "map"
  if kind == SEQUENCE then
    what, allowed = "array", TAG .. "seq"
  end
  if depth > MAX_DEPTH then
    self:fail(mark, ("nested more than %d levels deep"):format(MAX_DEPTH))
  elseif tag and tag ~= allowed then
    self:fail(mark, ("unsupported tag '%s'"):format(tag))
  end
  self.marks:open(collection, what, mark)
  if kind == SEQUENCE then
    self:sequence(collection, depth + 1)
  else
    self:mapping(collection, depth + 1)
  end
  return collection
end

-- The value that the current event begins, of that kind.
function Composer:node(kind, depth)
  if kind == ALIAS then
    return self:alias()
  end
  local anchor, size_before = text_of(self.event.anchor), self.size
  if anchor then
    self.anchors[anchor] = OPEN
  end
  self.size = self.size + 1
  local value
  if kind == SCALAR then
    value = self:scalar()
  else
    value = self:collection(kind, depth)
  end
  if anchor then
    self.anchors[anchor] = { value = value, size = self.size - size_before }
  end
  return value
end

function Composer:document()
  if self:next() == END then
    return null
  end
  local value = self:node(self:next(), 1)
  self:next()    -- the end of the document
  if self:next() ~= END then
    self:fail(self:mark(), "more than one YAML document")
  end
  return value
end

local M = {}

--- Parses one YAML document of well-formed UTF-8.
-- @tparam string text
-- @tparam table marks filled with positions, see weir.document
-- @return the value, or nil and { line, col, message }
function M.parse(text, marks)
  local composer = setmetatable({
    reader = ffi.gc(C.weir_yaml_new(text, #text), C.weir_yaml_free),
    event = ffi.new("struct weir_yaml_event"),
    text = text,    -- where the reader reads
    marks = marks, anchors = {}, aliased = 0, size = 0,
  }, Composer)
  local ok, result = pcall(composer.document, composer)
  C.weir_yaml_free(ffi.gc(composer.reader, nil))
  if ok then
    return result
  elseif type(result) == "table" then
    return nil, result
  end
  error(result, 0)
end

return M
