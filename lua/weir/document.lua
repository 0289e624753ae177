-- A parsed configuration text: a tree of Lua values that remembers where each of them was written.
--
-- Objects become tables with string keys, arrays become sequences, null becomes `document.null`.
-- Positions live beside the tree, not in it. A position is one number, line * 2^20 + column, which
-- sorts as the text reads and costs no table.
local null = require("cjson").null
local utf8 = require("weir.text.utf8")
local json = require("weir.document.json")
local yaml = require("weir.document.yaml")

local COLUMNS = 2 ^ 20

local parsers = { json = json.parse, yaml = yaml.parse }

local Document = {}
Document.__index = Document

local document = { null = null }

-- The marks of one tree, filled in by a parser. Most files never ask for one, so they are noted in
-- a few long lists, entry after entry, and not in tables for each container of the text.
local Marks = {}
Marks.__index = Marks

local function new_marks()
  return setmetatable({
    -- By container: "map" or "array", where it begins, the index of its last entry.
    kinds = {}, starts = {}, last = {},
    -- By index of an entry; `before` is the index of the one before it in its container, or 0.
    keys = {}, key_marks = {}, value_marks = {}, before = {},
    -- Container -> key -> index.
    indices = {},
  }, Marks)
end

--- Notes where `container` begins.
function Marks:open(container, kind, mark)
  self.kinds[container], self.starts[container] = kind, mark
end

--- Notes where the entry `key` of `container` and its value stand.
function Marks:entry(container, key, key_mark, value_mark)
  local index = #self.keys + 1
  self.keys[index], self.key_marks[index], self.value_marks[index] = key, key_mark, value_mark
  self.before[index] = self.last[container] or 0
  self.last[container] = index
end

--- How `node` was written, "map" or "array"; nil when it is no container of this tree.
function Marks:kind(node)
  return self.kinds[node]
end

--- Where `container` begins.
function Marks:start(container)
  return self.starts[container]
end

-- The indices of a container's entries by their keys, made when the first of them is asked for.
local function indices_of(self, container)
  local indices = self.indices[container]
  if not indices then
    indices = {}
    local index = self.last[container] or 0
    while index > 0 do
      indices[self.keys[index]] = index
      index = self.before[index]
    end
    self.indices[container] = indices
  end
  return indices
end

--- Where the key of an entry and its value stand; nil when there is no such entry.
function Marks:entry_at(container, key)
  local index = indices_of(self, container)[key]
  if index then
    return self.key_marks[index], self.value_marks[index]
  end
end

--- The mark of a line and a column.
function Marks.encode(line, column)
  return line * COLUMNS + math.min(column, COLUMNS - 1)
end

--- The line and the column of a mark.
function Marks.decode(mark)
  local column = mark % COLUMNS
  return (mark - column) / COLUMNS, column
end

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
    local marks = new_marks()
    local value, err = parsers[format](text, marks)
    if value ~= nil then
      return setmetatable({ value = value, marks = marks }, Document)
    end
    first_problem = first_problem or err
  end
  return nil, first_problem
end

-- Walks as far along `path` as the tree goes. Returns the last container, the step that led to the
-- end (nil at the root), and whether the whole path exists.
local function walk(self, path)
  local container, key, node = nil, nil, self.value
  for i = 1, #path do
    if not self.marks:kind(node) or not self.marks:entry_at(node, path[i]) then
      return container, key, false
    end
    container, key, node = node, path[i], node[path[i]]
  end
  return container, key, true
end

local function root_position(self)
  local start = self.marks:start(self.value)
  if start then
    return Marks.decode(start)
  end
  return 1, 1
end

--- Where the value at `path` was written, or the nearest enclosing value that was written at all.
-- @tparam table path keys and 1-based indices from the root, e.g. { "services", 1, "port" }
-- @treturn number line, from 1
-- @treturn number column in characters, from 1
function Document:position(path)
  local container, key = walk(self, path)
  if not container then
    return root_position(self)
  end
  local _, value_mark = self.marks:entry_at(container, key)
  return Marks.decode(value_mark)
end

--- Where the key at the end of `path` was written; like `position` when there is no such key.
-- @tparam table path
-- @treturn number line
-- @treturn number column
function Document:key_position(path)
  local container, key, complete = walk(self, path)
  if not container or not complete then
    return self:position(path)
  end
  return Marks.decode((self.marks:entry_at(container, key)))
end

--- How a table of the tree was written.
-- @tparam table node
-- @treturn string|nil "map" or "array"; nil for a table that is not of this document
function Document:kind(node)
  return self.marks:kind(node)
end

return document
