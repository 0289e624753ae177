-- The reference as annotations for the Lua language server (LuaCATS).

local annotations = {}

local HEAD = "---@meta\n-- Written by `make reference`: see lua/weir/pdk/README.md.\n"

-- Tables whose fields the code finds when they are asked for.
local OPEN = {
  ["kong.configuration"] = "table<string, any>", ["kong.ctx"] = "table<string, table>",
  ["kong.db"] = "table<string, any>", ["ngx.var"] = "table<string, string|number|nil>",
  ["ngx.shared"] = "table<string, ngx.shared.DICT>",
  ["ngx.header"] = "table<string, string|string[]|nil>",
}

local FIELDS = {
  ngx = {
    { "arg", "any[]" }, { "ctx", "table<string, any>" }, { "headers_sent", "boolean" },
    { "null", "userdata" }, { "shared", OPEN["ngx.shared"] },
    { "status", "integer" },
  },
  ["kong.ctx"] = { { "plugin", "table<string, any>" }, { "shared", "table<string, any>" } },
}

local TYPES = { cdata = "ffi.cdata*" }

-- LDoc's name of a type as LuaCATS has it: "{string,...}" is "string[]".
local function type_of(kind)
  local item = kind:match("^{([%w_.|]+),%.%.%.}$")
  if item then
    return type_of(item) .. "[]"
  end
  return (kind:gsub("[%w_.]+", TYPES):gsub("function%(", "fun("))
end

local function one_line(text)
  return (text:gsub("%s*\n%s*", " "))
end

local function phases_line(fn)
  if fn.phases == "request" then
    return "Phases: any in which there is a request"
  end
  return fn.phases and "Phases: " .. table.concat(fn.phases, ", ")
end

local function function_lines(lines, owner, fn)
  local comment, names = fn.comment, {}
  local function add(...)
    table.insert(lines, (table.concat({ ... }):gsub("%s+$", "")))
  end
  add("\n--- ", (comment.text:gsub("\n", "\n--- "):gsub(" +\n", "\n")))
  if phases_line(fn) then
    add("---\n--- ", phases_line(fn))
  end
  for _, parameter in ipairs(comment.parameters) do
    table.insert(names, parameter.name)
    add("---@param ", parameter.name, parameter.optional and "? " or " ",
      type_of(parameter.type), " ", one_line(parameter.text))
  end
  for _, result in ipairs(comment.results) do
    add("---@return ", type_of(result.type), result.text ~= "" and " # " or "",
      one_line(result.text))
  end
  add("function ", owner, fn.path:match("[.:][%w_]+$"), "(", table.concat(names, ", "), ") end")
end

-- What the functions of a table are written behind. What stands for objects is no global.
local function variable_of(space)
  return space.object and space.path:match("[%w_]+$") or space.path
end

local function class_lines(lines, space)
  local open = OPEN[space.path]
  table.insert(lines, ("\n---@class %s%s"):format(space.path, open and ": " .. open
    or space.like and ": " .. space.like or ""))
  for _, field in ipairs(FIELDS[space.path] or {}) do
    table.insert(lines, ("---@field %s %s"):format(field[1], field[2]))
  end
  for _, field in ipairs(space.fields) do
    if field.type ~= "userdata" then
      table.insert(lines, ("---@field %s %s"):format(field.name, field.type))
    end
  end
end

-- A table that can be called is described by an overload: a function of its name would replace it.
local function overload_line(lines, space)
  for _, fn in ipairs(space.functions) do
    if fn.path == space.path then
      table.insert(lines, "---@overload fun(...: any)")
    end
  end
end

--- The annotations of one global.
-- @tparam table spaces of spec.reference.surface
-- @tparam string root "kong" or "ngx"
-- @treturn string Lua
function annotations.text(spaces, root)
  local lines = { HEAD:sub(1, -2) }
  for _, space in ipairs(spaces) do
    if space.path:match("^%w+") == root then
      class_lines(lines, space)
      overload_line(lines, space)
      table.insert(lines, (space.object and "local %s = {}" or "%s = {}"):format(
        variable_of(space)))
      for _, fn in ipairs(space.functions) do
        if fn.path ~= space.path then
          function_lines(lines, variable_of(space), fn)
        end
      end
    end
  end
  if root == "kong" then
    table.insert(lines, "\n---@type kong\nweir = kong")
  end
  return table.concat(lines, "\n") .. "\n"
end

return annotations
