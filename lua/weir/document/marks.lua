-- Where the values of a text were written, in numbers beside their tree: a file of a hundred
-- thousand entities has millions of values, of whose places most loads ask for none.
--
-- A mark stands for one value: that of the whole text (marks.ROOT), of a key in an object, or of an
-- element of an array. Parsers set them in the order of the text, each in that of its container,
-- and know them by their numbers. They refer to nothing of the tree, which may be freed before
-- them.
local ffi = require("ffi")

-- `key` is the number of a text in `names`, or ELEMENT and an index; `last` the mark of the last
-- value in it, 0 for none; `before` that of the value before it in its container, or 0.
local CHUNK = 4096
local chunk_type = ffi.typeof([[
  struct { uint32_t key, last, before, key_line, key_column, line, column; }[$]
]], CHUNK)

local ELEMENT = 2 ^ 31

local Marks = {}
Marks.__index = Marks

local marks = { ROOT = 0 }

--- Makes the marks of one text. Where its whole value stands is set with place().
-- @treturn Marks
function marks.new()
  return setmetatable({
    chunks = { [0] = chunk_type() }, count = 1,
    names = {}, numbers = {},   -- number -> key, and back
    indices = {},               -- mark of a container -> key -> mark
  }, Marks)
end

local function at(self, mark)
  local place = mark % CHUNK
  return self.chunks[(mark - place) / CHUNK][place]
end

local function key_number(self, key)
  if type(key) == "number" then
    return ELEMENT + key
  end
  local number = self.numbers[key]
  if not number then
    number = #self.names + 1
    self.names[number], self.numbers[key] = key, number
  end
  return number
end

--- Sets where the value of a mark begins.
-- @tparam number mark
-- @tparam number line from 1
-- @tparam number column in characters, from 1
function Marks:place(mark, line, column)
  local entry = at(self, mark)
  entry.line, entry.column = line, column
end

--- Adds a value. Its place is that of its key, until place() says another.
-- @tparam number container the mark of what it is in
-- @tparam string|number key an index, from 1, in arrays
-- @tparam number line
-- @tparam number column
-- @treturn number its mark
function Marks:add(container, key, line, column)
  local mark = self.count
  self.count = mark + 1
  if mark % CHUNK == 0 then
    self.chunks[mark / CHUNK] = chunk_type()
  end
  local entry, parent = at(self, mark), at(self, container)
  entry.key = key_number(self, key)
  entry.key_line, entry.key_column, entry.line, entry.column = line, column, line, column
  entry.before, parent.last = parent.last, mark
  return mark
end

--- Says that what is in a value is what is in another, as with aliases.
-- @tparam number mark
-- @tparam number other
function Marks:share(mark, other)
  at(self, mark).last = at(self, other).last
end

--- Adds a value that stands where another does, and has in it what that has, as with merged keys.
-- @tparam number container
-- @tparam string key
-- @tparam number other
function Marks:copy(container, key, other)
  local source = at(self, other)
  local mark = self:add(container, key, source.key_line, source.key_column)
  self:place(mark, source.line, source.column)
  self:share(mark, other)
end

-- The marks in a container by their keys, collected when the first of them is asked for.
local function index_of(self, container)
  local index = self.indices[container]
  if not index then
    index = {}
    local mark = at(self, container).last
    while mark > 0 do
      local entry = at(self, mark)
      local key = entry.key
      index[key < ELEMENT and self.names[key] or key - ELEMENT] = mark
      mark = entry.before
    end
    self.indices[container] = index
  end
  return index
end

--- The mark of a value, by its key.
-- @tparam number container
-- @tparam string|number key
-- @treturn number|nil
function Marks:find(container, key)
  return index_of(self, container)[key]
end

--- Where a value begins.
-- @tparam number mark
-- @treturn number line
-- @treturn number column
function Marks:position(mark)
  local entry = at(self, mark)
  return entry.line, entry.column
end

--- Where its key begins; of an element, itself.
-- @tparam number mark
-- @treturn number line
-- @treturn number column
function Marks:key_position(mark)
  local entry = at(self, mark)
  return entry.key_line, entry.key_column
end

return marks
