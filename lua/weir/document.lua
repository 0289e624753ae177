-- A parsed configuration text: a tree of Lua values, and where each of them was written.
--
-- Objects become tables with string keys, arrays become sequences, null becomes `document.null`.
-- Positions live beside the tree, not in it (weir.document.marks): weir.declarative, which asks for
-- them, frees the tree while it goes through it.
local null = require("cjson").null
local array = require("weir.document.array")
local json = require("weir.document.json")
local marks = require("weir.document.marks")
local utf8 = require("weir.text.utf8")
local yaml = require("weir.document.yaml")

local parsers = { json = json.parse, yaml = yaml.parse }

local Document = {}
Document.__index = Document

local document = { null = null }

-- Text that no parser should see: it has one meaning to us and perhaps another to the next reader.
local function check_characters(text)
  local bad = text:find("[%z\1-\8\11\12\14-\31\127]")
  local invalid = utf8.invalid_at(text)
  local at, message = bad, "control character"
  if text:find("^\255\254") or text:find("^\254\255") then
    at, message = 1, "UTF-16, where UTF-8 is needed"
  elseif invalid and not (bad and bad < invalid) then
    at, message = invalid, "invalid UTF-8"
  elseif bad then
    message = ("control character 0x%02X"):format(text:byte(bad))
  end
  if not at then
    return true
  end
  local before = text:sub(1, at - 1)
  local _, newlines = before:gsub("\n", "")
  local tail = before:match("[^\n]*$"):gsub("[\128-\191]", "")
  return nil, { line = newlines + 1, col = #tail + 1, message = message }
end

-- JSON before YAML where the text looks like JSON: the JSON reader knows surrogate pairs and tabs,
-- and says more exactly what is wrong.
local function formats_of(text, filename)
  local extension = (filename or ""):match("%.(%w+)$")
  if extension == "json" then
    return { "json" }
  elseif text:find("^%s*[{%[]") then
    return { "json", "yaml" }
  end
  return { "yaml" }
end

--- Parses YAML or JSON.
-- @tparam string text
-- @tparam[opt] string filename only its extension is looked at: `.json` allows nothing but JSON
-- @treturn Document|nil
-- @treturn nil|table { line, col, message }
function document.parse(text, filename)
  text = text:gsub("^\239\187\191", "")
  local ok, problem = check_characters(text)
  if not ok then
    return nil, problem
  end
  local first_problem
  for _, format in ipairs(formats_of(text, filename)) do
    local places = marks.new()
    local value, err, is_tree = parsers[format](text, places)
    if value ~= nil then
      return setmetatable({ value = value, marks = places, is_tree = is_tree }, Document)
    end
    first_problem = first_problem or err
  end
  return nil, first_problem
end

-- The mark of the value at `path`, or of the last one on the way to it that there is; and whether
-- it is the value itself.
local function walk(self, path)
  local mark = marks.ROOT
  for i = 1, #path do
    local inner = self.marks:find(mark, path[i])
    if not inner then
      return mark, false
    end
    mark = inner
  end
  return mark, true
end

--- Where the value at `path` was written, or the nearest enclosing value that was written at all.
-- @tparam table path keys and 1-based indices from the root, e.g. { "services", 1, "port" }
-- @treturn number line, from 1
-- @treturn number column in characters, from 1
function Document:position(path)
  return self.marks:position((walk(self, path)))
end

--- Where the key at the end of `path` was written; like `position` when there is no such key.
-- @tparam table path
-- @treturn number line
-- @treturn number column
function Document:key_position(path)
  local mark, complete = walk(self, path)
  if not complete then
    return self.marks:position(mark)
  end
  return self.marks:key_position(mark)
end

--- How a value of the tree was written.
-- @param value
-- @treturn string|nil "map" or "array"; nil for what is neither
function document.kind(value)
  if type(value) ~= "table" then
    return nil
  end
  return array.is(value) and "array" or "map"
end

--- Frees an element of an array of the tree, which nobody will look at again. Where the text has
-- aliases it may be in other places, too, and stays.
-- @tparam table list
-- @tparam number i
function Document:release(list, i)
  if self.is_tree then
    list[i] = false
  end
end

return document
