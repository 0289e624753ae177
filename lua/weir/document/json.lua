-- A strict JSON reader (RFC 8259) that records positions. Duplicate keys are errors, since readers
-- disagree on which of them counts.
local null = require("cjson").null
local array = require("weir.document.array")
local marks = require("weir.document.marks")
local utf8 = require("weir.text.utf8")

local MAX_DEPTH = 100

local json = {}

local Reader = {}
Reader.__index = Reader

local SIMPLE_ESCAPES = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

-- Starts counting lines from the top.
function Reader:rewind()
  self.line, self.column, self.seen = 1, 1, 1
  self:find_newline()
end

function Reader:find_newline()
  self.newline = self.text:find("\n", self.seen, true) or math.huge
end

-- How many characters begin in these bytes.
function Reader:characters(from, to)
  local continuations = 0
  if not self.ascii then
    continuations = select(2, self.text:sub(from, to):gsub("[\128-\191]", ""))
  end
  return to - from + 1 - continuations
end

-- Line and column of byte `at`. Positions are asked for in rising order, so only the text since the
-- last answer is looked at.
function Reader:locate(at)
  while self.newline < at do
    self.line, self.column, self.seen = self.line + 1, 1, self.newline + 1
    self:find_newline()
  end
  if at > self.seen then
    self.column = self.column + self:characters(self.seen, at - 1)
    self.seen = at
  end
  return self.line, self.column
end

function Reader:fail(message, at)
  -- An error may point before a position already handed out.
  self:rewind()
  local line, column = self:locate(at or self.at)
  error({ line = line, col = column, message = message }, 0)
end

function Reader:skip_space()
  self.at = self.text:find("[^ \t\r\n]", self.at) or #self.text + 1
  return self.text:sub(self.at, self.at)
end

function Reader:unexpected(wanted)
  local found = self.text:sub(self.at, self.at)
  self:fail(("expected %s, found %s"):format(wanted, found == "" and "the end of the text"
    or "'" .. found .. "'"))
end

function Reader:hex4(at)
  local digits = self.text:match("^%x%x%x%x", at)
  if not digits then
    self:fail("\\u needs four hexadecimal digits", at - 2)
  end
  return tonumber(digits, 16)
end

-- A \u escape whose "\u" is at `at`; returns the encoded text and the position after it.
function Reader:unicode_escape(at)
  local code = self:hex4(at + 2)
  if code >= 0xDC00 and code <= 0xDFFF then
    self:fail("low surrogate without a high surrogate before it", at)
  elseif code < 0xD800 or code > 0xDBFF then
    return utf8.encode(code), at + 6
  end
  local low = self.text:sub(at + 6, at + 7) == "\\u" and self:hex4(at + 8)
  if not low or low < 0xDC00 or low > 0xDFFF then
    self:fail("high surrogate without a low surrogate after it", at)
  end
  return utf8.encode(0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00), at + 12
end

-- The string whose opening quote is at `start`.
function Reader:string_with_escapes(start)
  local pieces, from = {}, start + 1
  while true do
    local at = self.text:find('[%z\1-\31"\\]', from)
    if not at then
      self:fail("string without an end", start)
    end
    pieces[#pieces + 1] = self.text:sub(from, at - 1)
    local c = self.text:sub(at, at)
    if c == '"' then
      self.at = at + 1
      return table.concat(pieces)
    elseif c ~= "\\" then
      self:fail("control character in a string (write it as an escape)", at)
    end
    local escape = self.text:sub(at + 1, at + 1)
    if escape == "u" then
      pieces[#pieces + 1], from = self:unicode_escape(at)
    elseif SIMPLE_ESCAPES[escape] then
      pieces[#pieces + 1], from = SIMPLE_ESCAPES[escape], at + 2
    else
      self:fail("invalid escape '\\" .. escape .. "'", at)
    end
  end
end

function Reader:string()
  local start = self.at
  local close = self.text:match('^[^%z\1-\31"\\]*()"', start + 1)
  if close then
    self.at = close + 1
    return self.text:sub(start + 1, close - 1)
  end
  return self:string_with_escapes(start)
end

function Reader:number()
  local text = self.text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", self.at)
  local integer, fraction, exponent
  if text then
    integer, fraction, exponent = text:match("^-?(%d+)(%.?%d*)(.*)$")
  end
  local well_formed = integer
    and (#integer == 1 or integer:sub(1, 1) ~= "0")
    and fraction ~= "."
    and (exponent == "" or exponent:find("^[eE][+-]?%d+$"))
    and not self.text:find("^[%w.+-]", self.at + #text)
  if not well_formed then
    self:fail("invalid number")
  end
  local value = tonumber(text)
  if value == math.huge or value == -math.huge then
    self:fail("number out of range")
  end
  self.at = self.at + #text
  return value
end

local LITERALS = { t = { "true", true }, f = { "false", false }, n = { "null", null } }

function Reader:literal(c)
  local literal = LITERALS[c]
  if not literal or self.text:match("^%w+", self.at) ~= literal[1] then
    self:unexpected("a value")
  end
  self.at = self.at + #literal[1]
  return literal[2]
end

function Reader:object(depth, mark)
  local object = {}
  self.at = self.at + 1
  if self:skip_space() == "}" then
    self.at = self.at + 1
    return object
  end
  while true do
    if self:skip_space() ~= '"' then
      self:unexpected("a key in double quotes")
    end
    local key_at = self.at
    local line, column = self:locate(key_at)
    local key = self:string()
    if object[key] ~= nil then
      self:fail(("duplicate key '%s'"):format(key), key_at)
    end
    if self:skip_space() ~= ":" then
      self:unexpected("':'")
    end
    self.at = self.at + 1
    self:skip_space()
    local inner = self.marks:add(mark, key, line, column)
    self.marks:place(inner, self:locate(self.at))
    object[key] = self:value(depth, inner)
    if not self:more("}") then
      return object
    end
  end
end

function Reader:array(depth, mark)
  local list, index = array.new(), 0
  self.at = self.at + 1
  if self:skip_space() == "]" then
    self.at = self.at + 1
    return list
  end
  while true do
    self:skip_space()
    index = index + 1
    list[index] = self:value(depth, self.marks:add(mark, index, self:locate(self.at)))
    if not self:more("]") then
      return list
    end
  end
end

-- After an entry: true for a comma, false for the closing bracket.
function Reader:more(closing)
  local c = self:skip_space()
  if c ~= "," and c ~= closing then
    self:unexpected("',' or '" .. closing .. "'")
  end
  self.at = self.at + 1
  return c == ","
end

-- The value that begins here, whose mark is `mark`.
function Reader:value(depth, mark)
  if depth > MAX_DEPTH then
    self:fail(("nested more than %d levels deep"):format(MAX_DEPTH))
  end
  local c = self:skip_space()
  if c == "{" then
    return self:object(depth + 1, mark)
  elseif c == "[" then
    return self:array(depth + 1, mark)
  elseif c == '"' then
    return self:string()
  elseif c:find("[-%d]") then
    return self:number()
  end
  return self:literal(c)
end

--- Parses a JSON text of well-formed UTF-8.
-- @tparam string text
-- @tparam Marks places filled (weir.document.marks)
-- @return the value; nil if it is none
-- @treturn ?table what is wrong: { line, col, message }
-- @treturn ?boolean true: no table is in two places of the tree
function json.parse(text, places)
  local reader = setmetatable({
    text = text, marks = places, at = 1, ascii = not text:find("[\128-\255]"),
  }, Reader)
  reader:rewind()
  local ok, result = pcall(function()
    reader:skip_space()
    places:place(marks.ROOT, reader:locate(reader.at))
    local value = reader:value(1, marks.ROOT)
    if reader:skip_space() ~= "" then
      reader:unexpected("the end of the text")
    end
    return value
  end)
  if ok then
    return result, nil, true
  elseif type(result) == "table" then
    return nil, result
  end
  error(result, 0)
end

return json
