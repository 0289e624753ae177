-- What is found wrong in a declarative file, or worth a warning, with where it was written.
local Findings = {}
Findings.__index = Findings

--- Makes an empty list.
-- @tparam Document doc of which they speak
-- @treturn Findings
function Findings.new(doc)
  return setmetatable({ document = doc, errors = {}, warnings = {} }, Findings)
end

-- { "services", 1, "port" } -> "services[0].port"
local function path_text(path)
  local parts = {}
  for _, key in ipairs(path) do
    local text
    if type(key) == "number" then
      text = ("[%d]"):format(key - 1)
    elseif key:find("^[%w_-]+$") then
      text = #parts > 0 and "." .. key or key
    else
      text = ("[%q]"):format(key)
    end
    table.insert(parts, text)
  end
  return table.concat(parts)
end

local function add(list, path, message, line, col)
  list[#list + 1] = {
    line = line, col = col, path = path_text(path), message = message, rank = #list,
  }
  return list[#list]
end

--- Adds an error.
-- @tparam table path keys and 1-based indices of what is wrong
-- @tparam string message
-- @tparam ?table at where to point instead: the path of what it was written as
function Findings:error(path, message, at)
  add(self.errors, path, message, self.document:position(at or path))
end

--- Adds an error about a key, and points to that.
-- @tparam table path
-- @tparam string message
function Findings:key_error(path, message)
  add(self.errors, path, message, self.document:key_position(path))
end

--- Adds a warning.
-- @tparam table path
-- @tparam string message
-- @tparam ?string name of the entity that it is about
function Findings:warning(path, message, name)
  add(self.warnings, path, message, self.document:position(path)).name = name
end

--- Whether nothing is wrong.
function Findings:valid()
  return self.errors[1] == nil
end

local function sorted(list)
  table.sort(list, function(a, b)
    if a.line ~= b.line then
      return a.line < b.line
    elseif a.col ~= b.col then
      return a.col < b.col
    end
    return a.rank < b.rank
  end)
  return list
end

--- All of them by position.
-- @treturn table { errors = { … }, warnings = { … } }, each a list of { line, col, path, message,
-- name }
function Findings:sorted()
  return { errors = sorted(self.errors), warnings = sorted(self.warnings) }
end

return Findings
