-- ngx.re: what lua-resty-core has beside ngx.re.match and its siblings.
local re = require("weir.ngx.re")

local extra = {}

-- Behind a character, for expressions that may match nothing: those stand between characters.
local function behind(subject, at, options)
  at = at + 1
  while options:find("[uU]") and at <= #subject and bit.band(subject:byte(at), 0xC0) == 0x80 do
    at = at + 1
  end
  return at
end

-- Puts what lies before the next match, and the first group of that, into a list. Returns where the
-- rest begins; nil where there is no further match; nil and an error text.
local function cut(subject, rest, regex, options, ctx, list)
  while true do
    local found, err = re.match(subject, regex, options, ctx)
    if not found then
      return nil, err
    end
    local to = ctx.pos
    local from = to - #found[0]
    if from == to then
      ctx.pos = behind(subject, to, options)
    end
    if from < to or from > rest then
      list[#list + 1] = subject:sub(rest, from - 1)
      list[#list + 1] = found[1] or nil
      return to
    end
  end
end

local function drop_empty_end(list)
  while list[#list] == "" do
    list[#list] = nil
  end
end

-- A table that is used again ends where the pieces end.
local function fill(res, list)
  for i = 1, #list + 1 do
    res[i] = list[i]
  end
  return res
end

--- Cuts a text into the pieces between matches. The first group of a match, if it has one, follows
-- the piece before it.
-- @tparam string subject
-- @tparam string regex
-- @tparam ?string options as for ngx.re.match()
-- @tparam ?table ctx `pos` is where to begin
-- @tparam ?number max how many pieces at most, the last of which is all that is left. Without, or
-- with 0, empty pieces at the end are left out
-- @tparam ?table res to be filled instead of a new table
-- @treturn table|nil list
-- @treturn nil|string
function extra.split(subject, regex, options, ctx, max, res)
  if res ~= nil and type(res) ~= "table" then
    error("res is not a table", 2)
  end
  subject, ctx, max = tostring(subject), ctx or {}, max or 0
  ctx.pos = ctx.pos or 1
  local list, rest, pieces = {}, ctx.pos, 1
  if rest > #subject then
    return fill(res or {}, list)
  end
  while rest <= #subject and pieces ~= max do
    local from, err = cut(subject, rest, regex, options or "", ctx, list)
    if err then
      return nil, err
    elseif not from then
      break
    end
    rest, pieces = from, pieces + 1
  end
  list[#list + 1] = subject:sub(rest)
  if max <= 0 then
    drop_empty_end(list)
  end
  return fill(res or {}, list)
end

--- Sets an option of all expressions. The only one there is, "jit_stack_size", changes nothing:
-- what a search may take is bounded anyway.
-- @tparam string name
function extra.opt(name)
  if name ~= "jit_stack_size" then
    error("unrecognized option name", 2)
  end
end

return extra
