-- Values with expressions in them: "Bearer $(query_params.token)".
--
-- An expression is Lua, by the rules of untrusted_lua. It is compiled once, to a function of what
-- templates can refer to.

local sandbox = require("kong.tools.sandbox")

local template = {}

-- What templates can refer to, in the order of the functions' parameters.
template.NAMES = { "headers", "query_params", "uri_captures", "shared" }

local PARAMETERS = table.concat(template.NAMES, ", ")

local function compile_expression(expression)
  local code = ("local %s = ...\nreturn %s"):format(PARAMETERS, expression)
  return sandbox.sandbox(code, { chunk_name = "=$" .. expression })
end

-- A text as a list of texts and functions.
local function parse(text)
  local parts, from = {}, 1
  while true do
    local start, finish, expression = text:find("%$(%b())", from)
    parts[#parts + 1] = text:sub(from, (start or 0) - 1)
    if not start then
      return parts
    end
    parts[#parts + 1] = compile_expression(expression)
    from = finish + 1
  end
end

local function render(parts, values)
  local texts = {}
  for i, part in ipairs(parts) do
    if type(part) == "function" then
      part = part(values.headers, values.query_params, values.uri_captures, values.shared)
      if type(part) == "table" or type(part) == "function" then
        error(("an expression in '%s' gives a %s, not a text"):format(parts.text, type(part)), 0)
      end
    end
    texts[i] = tostring(part or "")
  end
  return table.concat(texts)
end

--- Compiles a text; raises an error when an expression in it cannot be compiled.
-- @tparam string text
-- @treturn string|function the text itself when there is no expression in it, else a function that
-- renders it with a table of values by their NAMES
function template.compile(text)
  local parts = parse(text)
  if #parts == 1 then
    return text
  end
  parts.text = text
  return function(values)
    return render(parts, values)
  end
end

--- Checks that a text can be compiled.
-- @treturn true|nil
-- @treturn nil|string
function template.check(text)
  local ok, err = pcall(template.compile, text)
  if not ok then
    return nil, ("value '%s' is not in supported format, error:%s"):format(text, err)
  end
  return true
end

return template
