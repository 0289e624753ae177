-- The files that `make reference` writes.

local annotations = require("spec.reference.annotations")
local compatibility = require("spec.reference.compatibility")
local page = require("spec.reference.page")

local files = {}

--- Their texts, and what keeps them from being complete.
-- @tparam table spaces of spec.reference.surface
-- @treturn table path -> text
-- @treturn {string,...} what is not described
function files.of(spaces)
  local problems = files.problems(spaces)
  if problems[1] then
    return {}, problems
  end
  return {
    ["lua/kong/README.md"] = compatibility.text(),
    ["lua/weir/pdk/README.md"] = page.text(spaces),
    ["lua/weir/types/kong.lua"] = annotations.text(spaces, "kong"),
    ["lua/weir/types/ngx.lua"] = annotations.text(spaces, "ngx"),
  }, problems
end

--- Functions without a comment, and arguments without a line in it.
-- @tparam table spaces
-- @treturn {string,...}
function files.problems(spaces)
  local problems = {}
  for _, space in ipairs(spaces) do
    for _, fn in ipairs(space.functions) do
      if not fn.comment then
        table.insert(problems, fn.path .. " has no comment '---'")
      else
        local named = {}
        for _, parameter in ipairs(fn.comment.parameters) do
          named[parameter.name] = true
        end
        for _, name in ipairs(fn.comment.arguments) do
          if not named[name] then
            table.insert(problems, ("%s: the comment has no @tparam %s"):format(fn.path, name))
          end
        end
      end
    end
  end
  return problems
end

return files
