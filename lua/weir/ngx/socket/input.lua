-- What a cosocket has received and nobody has read yet, and the ways to read it.
--
-- A source is a function that gives some bytes, or nil and why there are none. What came before a
-- failure is returned beside it, as the third result.
local buffer = require("string.buffer")
local ffi = require("ffi")

ffi.cdef("void *memchr(const void *p, int c, size_t n);")

local NEWLINE = 10

local Input = {}
Input.__index = Input

local input = {}

--- An empty one.
-- @tparam function source
function input.new(source)
  return setmetatable({ bytes = buffer.new(), source = source }, Input)
end

local function fill(self)
  local piece, err = self.source()
  if not piece then
    return nil, err
  end
  self.bytes:put(piece)
  return true
end

function Input:is_empty()
  return #self.bytes == 0
end

function Input:clear()
  self.bytes:reset()
end

--- Just so many bytes.
function Input:exactly(count)
  while #self.bytes < count do
    local ok, err = fill(self)
    if not ok then
      return nil, err, self.bytes:get()
    end
  end
  return self.bytes:get(count)
end

--- Some bytes, at most so many.
function Input:any(most)
  if #self.bytes == 0 then
    local ok, err = fill(self)
    if not ok then
      return nil, err
    end
  end
  return self.bytes:get(most)
end

--- Everything until the other side closes.
function Input:all()
  while true do
    local ok, err = fill(self)
    if err == "closed" then
      return self.bytes:get()
    elseif not ok then
      return nil, err, self.bytes:get()
    end
  end
end

local function newline_after(self, from)
  local p, n = self.bytes:ref()
  local found = ffi.C.memchr(p + from, NEWLINE, n - from)
  return found ~= nil and tonumber(ffi.cast("const char *", found) - p) or nil
end

--- A line as it stands, without its newline, of so many bytes at most.
function Input:raw_line(most)
  local seen = 0
  while true do
    local at = newline_after(self, seen)
    seen = at or #self.bytes
    if seen > most then
      return nil, "line too long"
    elseif at then
      local line = self.bytes:get(at)
      self.bytes:skip(1)
      return line
    end
    local ok, err = fill(self)
    if not ok then
      return nil, err, self.bytes:get()
    end
  end
end

--- A line, without its end and without carriage returns.
function Input:line()
  local line, err, partial = self:raw_line(math.huge)
  if not line then
    return nil, err, partial
  end
  return (line:gsub("\r", ""))
end

-- Where the pattern begins, from 0, or nil; `seen` bytes are known to be before it.
local function find(self, pattern, seen)
  local from = math.max(seen - #pattern + 1, 0)
  local at = self.bytes:tostring():find(pattern, from + 1, true)
  return at and at - 1
end

-- What is before the pattern at `at`, and the pattern itself if it is wanted.
local function take_before(self, at, pattern, inclusive)
  if inclusive then
    return self.bytes:get(at + #pattern)
  end
  local text = self.bytes:get(at)
  self.bytes:skip(#pattern)
  return text
end

local function read_until(self, pattern, inclusive)
  local seen = 0
  while true do
    local at = find(self, pattern, seen)
    if at then
      return take_before(self, at, pattern, inclusive)
    end
    seen = #self.bytes
    local ok, err = fill(self)
    if not ok then
      return nil, err, self.bytes:get()
    end
  end
end

-- At most `size` bytes of what is before the pattern; the second result says that this is the last.
local function read_some_until(self, pattern, inclusive, size)
  while true do
    local at = find(self, pattern, 0)
    if at and at <= size then
      return take_before(self, at, pattern, inclusive), nil, nil, true
    end
    local safe = at or #self.bytes - #pattern + 1
    if safe >= size then
      return self.bytes:get(size)
    end
    local ok, err = fill(self)
    if not ok then
      return nil, err, self.bytes:get()
    end
  end
end

--- A function that reads up to a pattern: all at once, or with a size in pieces, followed by nil
-- once.
-- @tparam string pattern plain bytes
-- @tparam boolean inclusive whether the pattern is a part of what is read
-- @treturn function
function Input:until_pattern(pattern, inclusive)
  local over = false
  return function(size)
    if over then
      over = false
      return nil
    elseif not size then
      return read_until(self, pattern, inclusive)
    end
    local text, err, partial, last = read_some_until(self, pattern, inclusive, size)
    over = last
    if last and text == "" then
      over = false
      return nil
    end
    return text, err, partial
  end
end

return input
