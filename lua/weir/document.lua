-- A parsed configuration text: a tree of Lua values that remembers where each of them was written.
--
-- Objects become tables with string keys, arrays become sequences, null becomes `document.null`.
-- Positions live beside the tree, not in it: `marks[table]` says where each of its entries stands.
-- A position is one number, line * 2^20 + column, which sorts as the text reads and costs no table.
local null = require("cjson").null
local utf8 = require("weir.utf8")
local json = require("weir.document.json")
local yaml = require("weir.document.yaml")

local COLUMNS = 2 ^ 20

local parsers = { json = json.parse, yaml = yaml.parse }

local Document = {}
Document.__index = Document

local document = { null = null }

local function line_and_column(mark)
  local column = mark % COLUMNS
  return (mark - column) / COLUMNS, column
end

-- The marks of one tree, filled in by a parser.
local Marks = {}
Marks.__index = Marks

--- Notes that `container` begins at line:column.
function Marks:open(container, kind, line, column)
  self[container] = {
    kind = kind, at = self.encode(line, column), keys = {}, values = {},
  }
end

--- Notes where the entry `key` of `container` and its value stand.
function Marks:entry(container, key, key_mark, value_mark)
  local own = self[container]
  own.keys[key], own.values[key] = key_mark, value_mark
end

--- The marks of `node`; nil when it is no container of this tree.
function Marks:of(node)
  return type(node) == "table" and rawget(self, node) or nil
end

function Marks.encode(line, column)
  return line * COLUMNS + math.min(column, COLUMNS - 1)
end

-- Text that no parser should see: it has one meaning to us and perhaps another to the next reader.
local function check_characters(text)
  local bad = text:find("[%z\1-\8\11\12\14-\31\127]")
  local invalid = utf8.invalid_at(text)
  local at, message = bad, "control character"
  if invalid and not (bad and bad < invalid) then
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
    local marks = setmetatable({}, Marks)
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
    local marks = self.marks:of(node)
    if not marks or marks.values[path[i]] == nil then
      return container, key, false
    end
    container, key, node = node, path[i], node[path[i]]
  end
  return container, key, true
end

local function root_position(self)
  local marks = self.marks:of(self.value)
  if marks then
    return line_and_column(marks.at)
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
  return line_and_column(self.marks[container].values[key])
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
  return line_and_column(self.marks[container].keys[key])
end

--- How a table of the tree was written.
-- @tparam table node
-- @treturn string|nil "map" or "array"; nil for a table that is not of this document
function Document:kind(node)
  local marks = self.marks:of(node)
  return marks and marks.kind
end

return document
