-- Lua text as tokens, as far as weir.plugins.needs.scan wants to know: what a number or an operator
-- says is none of its business.
local find, match, sub = string.find, string.match, string.sub

local lexer = {}

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch("%a+") do
  KEYWORDS[word] = word
end

-- Where a long bracket at a place ends, and what is in it; nil when there is none.
local function long_bracket(text, at)
  local equals = match(text, "^%[(=*)%[", at)
  if not equals then
    return nil
  end
  local from, to = find(text, "]" .. equals .. "]", at, true)
  if not from then
    return #text, ""
  end
  return to, sub(text, at + #equals + 2, from - 1)
end

-- Where the quoted text that begins at a place ends.
local function quoted(text, at)
  local quote, to = sub(text, at, at), at + 1
  while true do
    to = find(text, "[\\\n" .. quote .. "]", to)
    local c = to and sub(text, to, to)
    if not to or c == "\n" then
      return #text
    elseif c == quote then
      return to
    end
    to = to + 2 -- an escape
  end
end

local function comment(text, at)
  return long_bracket(text, at + 2) or (find(text, "\n", at, true) or #text + 1) - 1
end

local function operator(text, at)
  local _, to = find(text, "^%.%.%.?", at)
  if not to then
    _, to = find(text, "^[=~<>]=", at)
  end
  return to or at
end

-- The token at a place: its end, its type and its value; no type for what says nothing.
local function token(text, at)
  local _, to = find(text, "^[%a_][%w_]*", at)
  if to then
    local word = sub(text, at, to)
    return to, KEYWORDS[word] or "name", word
  elseif find(text, "^%-%-", at) then
    return comment(text, at)
  end
  _, to = find(text, "^%.?%d[%w.]*", at)
  if to then
    return to, "number"
  end
  local c = sub(text, at, at)
  if c == '"' or c == "'" then
    to = quoted(text, at)
    return to, "string", sub(text, at + 1, to - 1)
  elseif c == "[" then
    local inner
    to, inner = long_bracket(text, at)
    if to then
      return to, "string", inner
    end
  end
  to = operator(text, at)
  return to, sub(text, at, to)
end

--- The tokens of a text. What is not Lua gives some tokens, too.
-- @tparam string text
-- @treturn table list of { type, value, line }: type is "name", "string" (value: what is between
-- the quotes, escapes as they are written), "number", or the keyword or operator itself
function lexer.tokens(text)
  local tokens, at, line, counted = {}, 1, 1, 1
  while true do
    at = find(text, "%S", at)
    if not at then
      return tokens
    end
    for _ in text:sub(counted, at - 1):gmatch("\n") do
      line = line + 1
    end
    counted = at
    local to, kind, value = token(text, at)
    if kind then
      tokens[#tokens + 1] = { type = kind, value = value, line = line }
    end
    at = to + 1
  end
end

return lexer
