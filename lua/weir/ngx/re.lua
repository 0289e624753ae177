-- ngx.re: regular expressions, with ngx_lua's options, results and error texts.
--
-- A compiled expression is kept, with or without the option "o", until 1024 others were used after
-- it; all are compiled to machine code, with or without "j". What a search may cost is bounded
-- (core/conf/pattern.h).
local bit = require("bit")
local buffer = require("string.buffer")
local ffi = require("ffi")
local abi = require("weir.abi")
local lrucache = require("resty.lrucache")

local C = abi.C
local band, bor = bit.band, bit.bor
local byte, sub = string.byte, string.sub
local error, tonumber, tostring, type = error, tonumber, tostring, type

local KEPT = 1024
local NO_MATCH = -2 -- WEIR_ERR_NONE
local NOT_SET = 2 ^ 64 -- SIZE_MAX, as a number of Lua

local FLAGS = {
  a = C.WEIR_REGEX_ANCHORED, i = C.WEIR_REGEX_CASELESS, m = C.WEIR_REGEX_MULTILINE,
  s = C.WEIR_REGEX_DOTALL, x = C.WEIR_REGEX_EXTENDED, u = C.WEIR_REGEX_UTF,
  U = C.WEIR_REGEX_UTF_TRUSTED, D = C.WEIR_REGEX_DUPNAMES, J = C.WEIR_REGEX_JAVASCRIPT,
  d = C.WEIR_REGEX_LONGEST, j = 0, o = 0,
}
local ANY_UTF = bor(C.WEIR_REGEX_UTF, C.WEIR_REGEX_UTF_TRUSTED)

local re = {}

-- ---- expressions

-- options and pattern -> expression: { handle, offsets, groups, names = { { name, group }, … },
-- dupnames, utf }; replacement text -> its parts.
local expressions = lrucache.new(KEPT)
local templates = lrucache.new(KEPT)

local function flags_of(options)
  local flags = 0
  for i = 1, #options do
    local flag = FLAGS[sub(options, i, i)]
    if not flag then
      error(('unknown flag "%s" (flags "%s")'):format(sub(options, i, i), options), 4)
    end
    flags = bor(flags, flag)
  end
  return flags
end

local function names_of(handle)
  local names, out = {}, ffi.new("struct weir_str")
  while true do
    local group = C.weir_regex_name(handle, #names, out)
    if group < 0 then
      return names
    end
    names[#names + 1] = { name = ffi.string(out.p, out.n), group = group }
  end
end

local function compile(pattern, options)
  local flags = flags_of(options)
  local handle = C.weir_regex_new(pattern, #pattern, flags)
  if handle == nil then
    return nil, ffi.string(C.weir_error())
  end
  handle = ffi.gc(handle, C.weir_regex_free)
  return {
    handle = handle,
    offsets = C.weir_regex_offsets(handle),
    groups = C.weir_regex_groups(handle),
    names = names_of(handle),
    dupnames = band(flags, C.WEIR_REGEX_DUPNAMES) ~= 0,
    utf = band(flags, ANY_UTF) ~= 0,
  }
end

-- An expression; nil and ngx_lua's text when the pattern is not one.
local function expression_of(pattern, options)
  pattern, options = tostring(pattern), options or ""
  local key = options .. "/" .. pattern
  local expression = expressions:get(key)
  if expression then
    return expression
  end
  local err
  expression, err = compile(pattern, options)
  if expression then
    expressions:set(key, expression)
  end
  return expression, err
end

-- Searches from an offset on; `again`: after a match in the same subject. The count of groups that
-- the match has come to, nil when there is no match, nil and an error text when the search failed.
local function search(expression, subject, from, again)
  local count = C.weir_regex_search(expression.handle, subject, #subject, from, again and 1 or 0)
  if count > 0 then
    return count
  elseif count == NO_MATCH then
    return nil
  end
  return nil, ffi.string(C.weir_error())
end

-- Begin and end of a group of the last match, for string.sub; nil when it is not set.
local function span(expression, count, group)
  if group >= count then
    return nil
  end
  local from = tonumber(expression.offsets[2 * group])
  if from == NOT_SET then
    return nil
  end
  return from + 1, tonumber(expression.offsets[2 * group + 1])
end

-- Where to search on after a match: behind it, and one character further when it is empty.
local function next_start(expression, subject)
  local from, to = tonumber(expression.offsets[0]), tonumber(expression.offsets[1])
  if to > from then
    return to
  end
  local at = to + 1
  while expression.utf and at < #subject and band(byte(subject, at + 1), 0xC0) == 0x80 do
    at = at + 1
  end
  return at
end

-- ---- match, find

local function add_names(expression, captures)
  local names = expression.names
  for i = 1, #names do
    local name, value = names[i].name, captures[names[i].group]
    if not expression.dupnames then
      captures[name] = value
    elseif value then
      local list = captures[name]
      if list then
        list[#list + 1] = value
      else
        captures[name] = { value }
      end
    end
  end
end

-- The table of a match: [0] all of it, then the groups, false for those that are not set.
local function collect(expression, count, subject, captures)
  captures = captures or {}
  if expression.dupnames then
    for i = 1, #expression.names do
      captures[expression.names[i].name] = nil
    end
  end
  for group = 0, expression.groups do
    local from, to = span(expression, count, group)
    captures[group] = from and sub(subject, from, to) or false
  end
  add_names(expression, captures)
  return captures
end

-- Searches for one match, as ctx.pos says, which is set behind it. Returns the expression and the
-- count of groups; nil; or nil and an error text.
local function search_once(subject, pattern, options, ctx)
  local expression, err = expression_of(pattern, options)
  if not expression then
    return nil, err
  end
  local from = ctx and ctx.pos and ctx.pos > 1 and ctx.pos - 1 or 0
  if from > #subject then
    return nil
  end
  local count
  count, err = search(expression, subject, from)
  if not count then
    return nil, err
  end
  if ctx then
    ctx.pos = tonumber(expression.offsets[1]) + 1
  end
  return expression, count
end

--- The first match.
-- @tparam string subject
-- @tparam string regex
-- @tparam ?string options of "adijmosuxDJU"
-- @tparam ?table ctx `pos` is where to begin, and where the match ended afterwards
-- @tparam ?table res to be filled instead of a new table
-- @treturn table|nil captures
-- @treturn nil|string
-- @usage
-- local m, err = ngx.re.match(header, [[^Bearer\s+(?<token>\S+)$]], "ijo")
-- if m then
--   check(m.token)
-- end
function re.match(subject, regex, options, ctx, res)
  subject = tostring(subject)
  local expression, count = search_once(subject, regex, options, ctx)
  if not expression then
    return nil, count
  end
  return collect(expression, count, subject, res)
end

--- Where the first match, or a group of it, lies.
-- @tparam ?number nth group; 0 or nil: the match as a whole
-- @tparam string subject
-- @tparam string regex
-- @tparam ?string options as for match()
-- @tparam ?table ctx as for match()
-- @treturn number|nil first byte
-- @treturn number|nil last byte
-- @treturn nil|string
function re.find(subject, regex, options, ctx, nth)
  subject = tostring(subject)
  local expression, count = search_once(subject, regex, options, ctx)
  if not expression then
    return nil, nil, count
  end
  nth = nth or 0
  if nth < 0 or nth > expression.groups then
    return nil, nil, "nth out of bound"
  end
  local from, to = span(expression, count, nth)
  return from, to
end

--- An iterator over the matches.
-- @tparam string subject
-- @tparam string regex
-- @tparam ?string options as for match()
-- @treturn function|nil returns captures, nil at the end, or nil and what went wrong
-- @treturn nil|string
function re.gmatch(subject, regex, options)
  subject = tostring(subject)
  local expression, err = expression_of(regex, options)
  if not expression then
    return nil, err
  end
  local from, found = 0, false
  return function()
    if from > #subject then
      return nil
    end
    local count, failed = search(expression, subject, from, found)
    if not count then
      from = #subject + 1
      return nil, failed
    end
    from, found = next_start(expression, subject), true
    return collect(expression, count, subject)
  end
end

-- ---- sub, gsub

-- "$1 costs ${2}5$$" -> { 1, " costs ", 2, "5$" }; nil when it is not well-formed.
local function parse_template(text)
  local parts, literal, at = {}, {}, 1
  local function flush()
    if literal[1] then
      parts[#parts + 1] = table.concat(literal)
      literal = {}
    end
  end
  while at <= #text do
    local plain = text:match("^[^$]+", at)
    local group = text:match("^%$(%d+)", at)
    local braced = text:match("^%${(%d+)}", at)
    if plain then
      literal[#literal + 1] = plain
      at = at + #plain
    elseif sub(text, at, at + 1) == "$$" then
      literal[#literal + 1] = "$"
      at = at + 2
    elseif group or braced then
      flush()
      parts[#parts + 1] = tonumber(group or braced)
      at = at + (group and #group + 1 or #braced + 3)
    else
      return nil
    end
  end
  flush()
  return parts
end

local function template_of(text)
  local parts = templates:get(text)
  if not parts then
    parts = parse_template(text)
    if parts then
      templates:set(text, parts)
    end
  end
  return parts
end

local function put_template(out, parts, expression, count, subject)
  for i = 1, #parts do
    local part = parts[i]
    if type(part) == "string" then
      out:put(part)
    else
      local from, to = span(expression, count, part)
      if from then
        out:put(sub(subject, from, to))
      end
    end
  end
end

-- Writes the replacement of a match.
local function put_replacement(out, parts, replace, expression, count, subject)
  if parts then
    return put_template(out, parts, expression, count, subject)
  end
  local text = replace(collect(expression, count, subject))
  local kind = type(text)
  if kind ~= "string" and kind ~= "number" then
    error(("bad argument #3 to 'gsub' (string or number expected to be returned by the replace "
      .. "function, got %s)"):format(kind), 4)
  end
  out:put(text)
end

local function replace_matches(subject, expression, parts, replace, global)
  local out = buffer.new()
  local from, done, replaced = 0, 0, 0
  repeat
    local count, err = search(expression, subject, from, replaced > 0)
    if err then
      return nil, nil, err
    elseif not count then
      break
    end
    replaced = replaced + 1
    local first, last = span(expression, count, 0)
    from = next_start(expression, subject)
    out:put(sub(subject, done + 1, first - 1))
    -- A replace function may search with the same expression.
    put_replacement(out, parts, replace, expression, count, subject)
    done = last
  until not global or from > #subject
  if replaced == 0 then
    return subject, 0
  end
  return out:put(sub(subject, done + 1)):get(), replaced
end

local function substitute(subject, regex, replace, options, global)
  subject = tostring(subject)
  local expression, err = expression_of(regex, options)
  if not expression then
    return nil, nil, err
  end
  local parts
  if type(replace) ~= "function" then
    parts = template_of(tostring(replace))
    if not parts then
      return nil, nil, "failed to compile the replacement template"
    end
  end
  return replace_matches(subject, expression, parts, replace, global)
end

--- Replaces the first match.
-- @tparam string subject
-- @tparam string regex
-- @tparam string|function replace a text in which $0, $1, ${1} stand for groups and $$ for "$"; or
--   a function of the captures
-- @tparam ?string options
-- @treturn string|nil
-- @treturn number|nil how many were replaced
-- @treturn nil|string
function re.sub(subject, regex, replace, options)
  return substitute(subject, regex, replace, options, false)
end

--- Replaces all matches.
-- @tparam string subject
-- @tparam string regex
-- @tparam string|function replace as for sub()
-- @tparam ?string options
-- @treturn string|nil
-- @treturn number|nil how many were replaced
-- @treturn nil|string
function re.gsub(subject, regex, replace, options)
  return substitute(subject, regex, replace, options, true)
end

return re
