-- Puts checks into the text of a plugin's file: at the begin of each function and of each block
-- after `do` and `repeat`, and before each `goto`. No loop and no recursion can do without.
--
-- A compiled loop never looks at hooks, and reads memory that it does not write once, before it
-- begins: even volatile memory. So a check counts down a variable of the file's own, and asks each
-- time that it is used up. That costs a third of a nanosecond.
--
-- Checks stand on the line that they were put on, so lines keep their numbers.

local checks = {}

local BUDGET, ASK = "__weir_budget", "__weir_ask"

local CHECK = (" %s=%s-1 if %s<0 then %s=%s() end "):format(BUDGET, BUDGET, BUDGET, BUDGET, ASK)

-- The file becomes a function, in which the two names are upvalues that it cannot reach by `...`,
-- setfenv() or globals of its own. A new file's budget is used up, so whatever makes files without
-- end is asked, too.
local HEAD = ("local %s,%s=0,... return function(...) "):format(BUDGET, ASK)
local TAIL = "\nend"

-- ---- tokens

-- The end of a string that begins at `at`.
local function string_end(text, at)
  local quote = text:sub(at, at)
  local i = at + 1
  while true do
    i = text:find('[\\"\']', i)
    local char = text:sub(i, i)
    if char == quote then
      return i
    end
    i = i + (char == "\\" and 2 or 1)
  end
end

-- The end of [[…]], [=[…]=] at `at`; nil when there is none.
local function bracket_end(text, at)
  local level = text:match("^%[(=*)%[", at)
  if level then
    return select(2, text:find("]" .. level .. "]", at, true))
  end
end

local function comment_end(text, at)
  return bracket_end(text, at + 2) or (text:find("[\r\n]", at) or #text + 1) - 1
end

-- As LuaJIT reads numbers: a sign belongs to one after its exponent's letter.
local function number_end(text, at)
  local exponent = text:find("^0[xX]", at) and "[pP]" or "[eE]"
  local i = at
  while true do
    i = select(2, text:find("^[%w_.\128-\255]+", i))
    if text:find("^[+-]", i + 1) and text:find("^" .. exponent, i) then
      i = i + 1
      if not text:find("^[%w_.\128-\255]", i + 1) then
        return i
      end
      i = i + 1
    else
      return i
    end
  end
end

-- The kind of the token at `at` and its end: "name", "value", "symbol" (the symbol itself), nil for
-- what is no token.
local function token(text, at)
  local _, name_end = text:find("^[%a_\128-\255][%w_\128-\255]*", at)
  if name_end then
    return "name", name_end
  elseif text:find("^%.?%d", at) then
    return "value", number_end(text, at)
  elseif text:find("^%-%-", at) then
    return nil, comment_end(text, at)
  elseif text:find("^[\"']", at) then
    return "value", string_end(text, at)
  end
  local long = bracket_end(text, at)
  if long then
    return "value", long
  end
  local symbol = text:match("^%.%.%.", at) or text:match("^%.%.", at) or text:match("^::", at)
    or text:sub(at, at)
  return symbol == "..." and "value" or "symbol", at + #symbol - 1
end

-- ---- where checks go

local function set(names)
  local found = {}
  for name in names:gmatch("%S+") do
    found[name] = true
  end
  return found
end

-- After these `goto` is a name like any other, which LuaJIT allows.
local BEFORE_NAME = set([[
  + - * / % ^ # = ~ < > ( { [ , . : .. and elseif for function if in local not or return until while
]])

local KEYWORDS = set([[
  and break do else elseif end false for function if in local nil not or repeat return then true
  until while
]])

-- Whether the `goto` before `at` jumps: a statement, with the label's name after it.
local function jumps(text, at, before)
  if BEFORE_NAME[before] then
    return false
  end
  local kind, stop
  repeat
    at = text:find("[^%s]", at)
    if not at then
      return false
    end
    kind, stop = token(text, at)
    local name = text:sub(at, stop)
    at = stop + 1
    if kind then
      return kind == "name" and not KEYWORDS[name]
    end
  until false
end

-- Calls insert(place) for each place before which a check belongs. Returns whether the text has
-- names that are the checks' own.
local function find_places(text, insert)
  local at, before, in_head = 1, ";", false
  while true do
    at = text:find("[^%s]", at)
    if not at then
      return false
    end
    local kind, stop = token(text, at)
    if kind then
      local word = text:sub(at, stop)
      if kind == "name" and (word == BUDGET or word == ASK) then
        return true
      elseif kind == "name" and word == "goto" and jumps(text, stop + 1, before) then
        insert(at)
      elseif kind == "name" and (word == "do" or word == "repeat") then
        insert(stop + 1)
      elseif word == "function" and kind == "name" then
        in_head = true
      elseif word == ")" and in_head then
        in_head = false
        insert(stop + 1)
      end
      before = kind == "value" and "value" or word
    end
    at = stop + 1
  end
end

--- Puts checks into a text that compiles.
-- @tparam string text of a chunk
-- @treturn string|nil a chunk that, called with a function, returns what the text's own chunk is
--   with checks in it; the function returns how many checks may follow before it is called again
-- @treturn nil|string why not
function checks.insert(text)
  local parts, from = { HEAD }, 1
  local taken = find_places(text, function(place)
    parts[#parts + 1] = text:sub(from, place - 1)
    parts[#parts + 1] = CHECK
    from = place
  end)
  if taken then
    return nil, ("the names %s and %s are reserved"):format(BUDGET, ASK)
  end
  parts[#parts + 1] = text:sub(from)
  parts[#parts + 1] = TAIL
  return table.concat(parts)
end

return checks
