-- The reference as a page.

local page = {}

local HEAD = [[
# What plugins call

Written by `make reference` from the comments in `lua/weir/pdk`, `lua/weir/ngx` and what they use;
the phases are what the code itself asks for. The same for the Lua language server is in
`lua/weir/types`. How a plugin is made says [`plugins/README.md`](../../../plugins/README.md); what
differs from OpenResty says [`lua/weir/ngx/README.md`](../ngx/README.md).

A function that is called in another phase than those that are listed raises `function cannot be
called in … phase`, one of `ngx` raises `API disabled in the context of …`. The global `weir` is the
same table as `kong`.
]]

local WITH_REQUEST = "any in which there is a request (not init_worker, upstream_verify, timer)"

local function one_line(text)
  return (text:gsub("%s*\n%s*", " "))
end

local function signature(fn)
  local names = {}
  for _, parameter in ipairs(fn.comment.parameters) do
    table.insert(names, parameter.name)
  end
  return ("%s(%s)"):format(fn.path, table.concat(names, ", "))
end

local function described(kind, text)
  return ("`%s`%s"):format(kind, text ~= "" and ": " .. one_line(text) or "")
end

local function phases(fn)
  if fn.phases == "request" then
    return WITH_REQUEST
  elseif fn.phases then
    return table.concat(fn.phases, ", ")
  end
  return fn.path:find("^kong") and "all" or nil
end

local function bullets_of(fn)
  local comment, bullets = fn.comment, {}
  local function add(...)
    table.insert(bullets, "- " .. table.concat({ ... }))
  end
  if phases(fn) then
    add("Phases: ", phases(fn))
  end
  for _, parameter in ipairs(comment.parameters) do
    local kind = parameter.type .. (parameter.optional and "|nil" or "")
    add("`", parameter.name, "` ", described(kind, parameter.text))
  end
  for i, result in ipairs(comment.results) do
    add(i == 1 and "Returns " or "and ", described(result.type, result.text))
  end
  if #comment.raised > 0 then
    add("Raises `", table.concat(comment.raised, "`, `"), "`")
  end
  return bullets
end

local function function_lines(lines, fn)
  table.insert(lines, ("### `%s`\n"):format(signature(fn)))
  table.insert(lines, fn.comment.text .. "\n")
  local bullets = bullets_of(fn)
  if bullets[1] then
    table.insert(lines, table.concat(bullets, "\n") .. "\n")
  end
  if fn.comment.usage then
    table.insert(lines, ("```lua\n%s\n```\n"):format(fn.comment.usage.text))
  end
end

local function field_line(space)
  local names = {}
  for i, field in ipairs(space.fields) do
    names[i] = ("`%s`"):format(field.name)
  end
  return "Fields: " .. table.concat(names, ", ") .. ".\n"
end

--- The page.
-- @tparam table spaces of spec.reference.surface
-- @treturn string Markdown
function page.text(spaces)
  local lines = { HEAD }
  for _, space in ipairs(spaces) do
    if #space.functions > 0 or #space.fields > 0 or space.like then
      table.insert(lines, ("## %s\n"):format(space.path))
    end
    if space.like then
      table.insert(lines, ("The same functions as `%s`.\n"):format(space.like))
    end
    if #space.fields > 0 then
      table.insert(lines, field_line(space))
    end
    for _, fn in ipairs(space.functions) do
      function_lines(lines, fn)
    end
  end
  return (table.concat(lines, "\n"):gsub("\n+$", "\n"))
end

return page
