-- YAML from libyaml's events to Lua values with positions.
--
-- Plain scalars become what lyaml, and so Kong, makes of them, with two exceptions that stay
-- strings: base 60 numbers (`10:30`), and not-a-number and the infinities, which no range check
-- would catch.
local yaml = require("yaml")
local null = require("cjson").null

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

local function resolve_plain(text)
  local value = WORDS[text]
  if value ~= nil then
    return value
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

local Composer = {}
Composer.__index = Composer

local function fail(event, message)
  local mark = event.start_mark
  error({ line = mark.line + 1, col = mark.column + 1, message = message }, 0)
end

function Composer:mark(event)
  return self.marks.encode(event.start_mark.line + 1, event.start_mark.column + 1)
end

local function scalar(event)
  if event.tag then
    local resolve = TAGGED[event.tag]
    if not resolve then
      fail(event, ("unsupported tag '%s'"):format(event.tag))
    end
    local value = resolve(event.value)
    if value == nil then
      fail(event, ("'%s' does not fit the tag '%s'"):format(event.value, event.tag))
    end
    return value
  elseif event.plain_implicit then
    return resolve_plain(event.value)
  end
  return event.value
end

function Composer:alias(event)
  local anchor = self.anchors[event.anchor]
  if not anchor then
    fail(event, ("alias '*%s' has no anchor"):format(event.anchor))
  elseif anchor == OPEN then
    fail(event, ("alias '*%s' stands inside its own anchor"):format(event.anchor))
  end
  self.aliased = self.aliased + anchor.size
  if self.aliased > MAX_ALIASED then
    fail(event, ("aliases add more than %d values"):format(MAX_ALIASED))
  end
  self.size = self.size + anchor.size
  return anchor.value
end

-- Copies what `source` has and `map` has not, with the positions of the source.
function Composer:merge(map, source, event)
  if self.marks:kind(source) ~= "map" then
    fail(event, "the value of '<<' is neither a mapping nor a list of mappings")
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
        self:merge(map, source, merge.event)
      end
    else
      self:merge(map, merge.value, merge.event)
    end
  end
end

function Composer:key(map, event)
  if event.type ~= "SCALAR" then
    fail(event, "a key must be a plain or quoted scalar")
  end
  if map[event.value] ~= nil then
    fail(event, ("duplicate key '%s'"):format(event.value))
  end
  return event.value
end

function Composer:mapping(event, depth)
  local map, merges = {}, {}
  self.marks:open(map, "map", event.start_mark.line + 1, event.start_mark.column + 1)
  local key_event = self.next_event()
  while key_event.type ~= "MAPPING_END" do
    local value_event
    if key_event.value == "<<" and key_event.plain_implicit then
      value_event = self.next_event()
      merges[#merges + 1] = { value = self:node(value_event, depth), event = value_event }
    else
      local key = self:key(map, key_event)
      value_event = self.next_event()
      map[key] = self:node(value_event, depth)
      self.marks:entry(map, key, self:mark(key_event), self:mark(value_event))
    end
    key_event = self.next_event()
  end
  self:merge_all(map, merges)
  return map
end

function Composer:sequence(event, depth)
  local array = {}
  self.marks:open(array, "array", event.start_mark.line + 1, event.start_mark.column + 1)
  local item_event = self.next_event()
  while item_event.type ~= "SEQUENCE_END" do
    local index = #array + 1
    array[index] = self:node(item_event, depth)
    local mark = self:mark(item_event)
    self.marks:entry(array, index, mark, mark)
    item_event = self.next_event()
  end
  return array
end

local COLLECTIONS = {
  MAPPING_START = { build = Composer.mapping, tag = TAG .. "map" },
  SEQUENCE_START = { build = Composer.sequence, tag = TAG .. "seq" },
}

function Composer:node(event, depth)
  if event.type == "ALIAS" then
    return self:alias(event)
  end
  local anchor, size_before = event.anchor, self.size
  if anchor then
    self.anchors[anchor] = OPEN
  end
  self.size = self.size + 1
  local value
  if event.type == "SCALAR" then
    value = scalar(event)
  else
    local collection = COLLECTIONS[event.type]
    if depth > MAX_DEPTH then
      fail(event, ("nested more than %d levels deep"):format(MAX_DEPTH))
    elseif event.tag and event.tag ~= collection.tag then
      fail(event, ("unsupported tag '%s'"):format(event.tag))
    end
    value = collection.build(self, event, depth + 1)
  end
  if anchor then
    self.anchors[anchor] = { value = value, size = self.size - size_before }
  end
  return value
end

function Composer:document()
  self.next_event()    -- STREAM_START
  local event = self.next_event()
  if event.type == "STREAM_END" then
    return null
  end
  local value = self:node(self.next_event(), 1)
  self.next_event()    -- DOCUMENT_END
  event = self.next_event()
  if event.type ~= "STREAM_END" then
    fail(event, "more than one YAML document")
  end
  return value
end

-- libyaml's binding raises its errors as text with the position inside.
local function problem_from_text(text)
  local message = text:match("^(.-) at document: ") or text:match("^[^\n]*")
  local line, column = text:match(" at document: %d+, line: (%d+), column: (%d+)")
  if not line then
    line, column = text:match(" at line: (%d+), column: (%d+)")
  end
  return { line = tonumber(line) or 1, col = tonumber(column) or 1, message = message }
end

local M = {}

--- Parses one YAML document of well-formed UTF-8.
-- @tparam string text
-- @tparam table marks filled with positions, see weir.document
-- @return the value, or nil and { line, col, message }
function M.parse(text, marks)
  local composer = setmetatable({
    next_event = yaml.parser(text), marks = marks, anchors = {}, aliased = 0, size = 0,
  }, Composer)
  local ok, result = pcall(composer.document, composer)
  if ok then
    return result
  elseif type(result) == "table" then
    return nil, result
  end
  return nil, problem_from_text(result)
end

return M
