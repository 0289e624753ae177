-- YAML from libyaml's events to Lua values with positions.
--
-- Plain scalars become what lyaml, and so Kong, makes of them, with two exceptions that stay
-- strings: base 60 numbers (`10:30`), and not-a-number and the infinities, which no range check
-- would catch.
local ffi = require("ffi")
local abi = require("weir.abi")
local array = require("weir.document.array")
local marks = require("weir.document.marks")
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
-- beyond that, mostly its place, is taken first.
local Composer = {}
Composer.__index = Composer

-- At the current event where nothing else is said.
function Composer:fail(message, line, column)
  error({
    line = line or self.event.line, col = column or self.event.column, message = message,
  }, 0)
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
    self:fail(ffi.string(C.weir_error()) .. about_tabs(self.text, self.event.line))
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
      self:fail(("unsupported tag '%s'"):format(tag))
    end
    local resolved = resolve(value)
    if resolved == nil then
      self:fail(("'%s' does not fit the tag '%s'"):format(value, tag))
    end
    return resolved
  elseif self.event.plain ~= 0 then
    return resolve_plain(value)
  end
  return value
end

function Composer:alias(mark)
  local name = text_of(self.event.anchor)
  local anchor = self.anchors[name]
  if not anchor then
    self:fail(("alias '*%s' has no anchor"):format(name))
  elseif anchor == OPEN then
    self:fail(("alias '*%s' stands inside its own anchor"):format(name))
  end
  self.aliased = self.aliased + anchor.size
  if self.aliased > MAX_ALIASED then
    self:fail(("aliases add more than %d values"):format(MAX_ALIASED))
  end
  self.size = self.size + anchor.size
  self.marks:share(mark, anchor.mark)
  return anchor.value
end

-- Copies what `source` has and `map` has not, with the positions of the source. `at` is where the
-- merge stands.
function Composer:merge(map, mark, source, source_mark, at)
  if type(source) ~= "table" or array.is(source) then
    self:fail("the value of '<<' is neither a mapping nor a list of mappings",
      self.marks:position(at))
  end
  for key, value in pairs(source) do
    if map[key] == nil then
      map[key] = value
      self.marks:copy(mark, key, self.marks:find(source_mark, key))
    end
  end
end

function Composer:merge_all(map, mark, merges)
  for _, merge in ipairs(merges) do
    if array.is(merge.value) then
      for i, source in ipairs(merge.value) do
        self:merge(map, mark, source, self.marks:find(merge.mark, i), merge.mark)
      end
    else
      self:merge(map, mark, merge.value, merge.mark, merge.mark)
    end
  end
end

-- The key of an entry. Whatever it looks like, it is text.
function Composer:key(kind)
  if kind ~= SCALAR then
    self:fail("a key must be a plain or quoted scalar")
  end
  return text_of(self.event.value)
end

local NO_MERGES = {}

function Composer:mapping(map, mark, depth)
  local merges = NO_MERGES
  local kind = self:next()
  while kind ~= MAPPING_END do
    local key, line, column = self:key(kind), self.event.line, self.event.column
    local merging = key == "<<" and self.event.plain ~= 0
    if not merging and map[key] ~= nil then
      self:fail(("duplicate key '%s'"):format(key))
    end
    local inner = self.marks:add(mark, key, line, column)
    kind = self:next()
    self.marks:place(inner, self.event.line, self.event.column)
    local value = self:node(kind, inner, depth)
    if merging then
      merges = merges == NO_MERGES and {} or merges
      merges[#merges + 1] = { value = value, mark = inner }
    else
      map[key] = value
    end
    kind = self:next()
  end
  self:merge_all(map, mark, merges)
end

function Composer:sequence(list, mark, depth)
  local index = 0
  local kind = self:next()
  while kind ~= SEQUENCE_END do
    index = index + 1
    local inner = self.marks:add(mark, index, self.event.line, self.event.column)
    list[index] = self:node(kind, inner, depth)
    kind = self:next()
  end
end

function Composer:collection(kind, mark, depth)
  local tag = text_of(self.event.tag)
  if depth > MAX_DEPTH then
    self:fail(("nested more than %d levels deep"):format(MAX_DEPTH))
  elseif tag and tag ~= TAG .. (kind == SEQUENCE and "seq" or "map") then
    self:fail(("unsupported tag '%s'"):format(tag))
  end
  local collection
  if kind == SEQUENCE then
    collection = array.new()
    self:sequence(collection, mark, depth + 1)
  else
    collection = {}
    self:mapping(collection, mark, depth + 1)
  end
  return collection
end

-- The value that the current event, of that kind, begins; its mark is `mark`.
function Composer:node(kind, mark, depth)
  if kind == ALIAS then
    return self:alias(mark)
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
    value = self:collection(kind, mark, depth)
  end
  if anchor then
    self.anchors[anchor] = { value = value, mark = mark, size = self.size - size_before }
  end
  return value
end

function Composer:document()
  if self:next() == END then
    self.marks:place(marks.ROOT, 1, 1)
    return null
  end
  local kind = self:next()
  self.marks:place(marks.ROOT, self.event.line, self.event.column)
  local value = self:node(kind, marks.ROOT, 1)
  self:next()    -- the end of the document
  if self:next() ~= END then
    self:fail("more than one YAML document")
  end
  return value
end

local M = {}

--- Parses one YAML document of well-formed UTF-8.
-- @tparam string text
-- @tparam Marks places filled (weir.document.marks)
-- @return the value; nil if it is none
-- @treturn ?table what is wrong: { line, col, message }
-- @treturn ?boolean true: no table is in two places of the tree
function M.parse(text, places)
  local composer = setmetatable({
    reader = ffi.gc(C.weir_yaml_new(text, #text), C.weir_yaml_free),
    event = ffi.new("struct weir_yaml_event"),
    text = text,    -- where the reader reads
    marks = places, anchors = {}, aliased = 0, size = 0,
  }, Composer)
  local ok, result = pcall(composer.document, composer)
  C.weir_yaml_free(ffi.gc(composer.reader, nil))
  if ok then
    return result, nil, composer.aliased == 0
  elseif type(result) == "table" then
    return nil, result
  end
  error(result, 0)
end

return M
