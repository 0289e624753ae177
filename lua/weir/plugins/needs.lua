-- What a plugin asks for that weir does not have, found in its files before any of them is run: all
-- of it at once, each with the line that asks.
--
-- A field of `kong` or `ngx` that the plugin asks about first (`if kong.x then`), or sets, and what
-- stands within pcall(), is the plugin's own affair.
local hints = require("weir.plugins.needs.hints")
local loader = require("weir.loader")
local offered = require("weir.plugins.needs.offered")
local scan = require("weir.plugins.needs.scan")
local suggest = require("weir.text.suggest")

-- What a plugin cannot do without, and what serves the Admin API only: Kong's own plugins write to
-- databases there.
local PARTS, PAGES = { "handler", "schema", "daos" }, { "api" }

local needs = {}

local function read_file(path)
  local file = io.open(path)
  local text = file and file:read("*a")
  if file then
    file:close()
  end
  return text
end

-- The files of a plugin with what they ask for: some parts, and what these require under its name.
local function files_of(name, parts)
  local prefix = ("kong.plugins.%s."):format(name)
  local files, waiting, seen = {}, {}, {}
  for i, part in ipairs(parts) do
    waiting[i] = prefix .. part
  end
  while waiting[1] do
    local module = table.remove(waiting, 1)
    local path = not seen[module] and loader.locate(module)
    local text = path and read_file(path)
    seen[module] = true
    if text then
      local asked = scan.text(text)
      table.insert(files, { path = path, asked = asked })
      for _, required in ipairs(asked.modules) do
        if required.name:sub(1, #prefix) == prefix then
          table.insert(waiting, required.name)
        end
      end
    end
  end
  return files
end

local function instead(hint)
  return hint and "; instead: " .. hint or ""
end

local function missing_module(required)
  if offered.module(required.name) then
    return nil
  end
  local package = hints.packages[required.name:match("^[^.]+")]
  return ("there is no module '%s'%s%s"):format(required.name,
    instead(hints.modules[required.name]),
    package and ("; Debian's package %s has it"):format(package) or "")
end

-- The first part of a path that is not there.
local function missing_field(path)
  local length = offered.missing(path)
  return length and table.concat(path, ".", 1, length), length
end

-- Fields that the plugin knows how to do without.
local function known_fields(files)
  local known = {}
  for _, file in ipairs(files) do
    for _, use in ipairs(file.asked.paths) do
      if use.how == "looked at" or use.how == "set" then
        known[table.concat(use.path, ".")] = true
      end
    end
  end
  return known
end

-- Reading a field that is nil is no mistake, unless it could only be a constant.
local function counts(use, length)
  return use.how == "used" or length < #use.path
    or use.how == "read" and use.path[#use.path]:find("^%u[%u%d_]+$")
end

local function missing_use(use, known)
  local field, length = missing_field(use.path)
  if not field or known[field] or not counts(use, length) then
    return nil
  end
  local hint = hints.fields[field]
  return ("there is no %s%s%s"):format(field, instead(hint),
    hint and "" or suggest.phrase(use.path[length], offered.neighbours(use.path, length)))
end

local function problems_of(file, known)
  local problems, said = {}, {}
  local function add(line, message)
    local text = message and ("%s:%d: %s"):format(file.path, line, message)
    if text and not said[text] then
      said[text] = true
      table.insert(problems, { line = line, text = text })
    end
  end
  for _, required in ipairs(file.asked.modules) do
    add(required.line, missing_module(required))
  end
  for _, use in ipairs(file.asked.paths) do
    add(use.line, missing_use(use, known))
  end
  table.sort(problems, function(a, b)
    if a.line ~= b.line then
      return a.line < b.line
    end
    return a.text < b.text
  end)
  return problems
end

-- Lines "FILE:LINE: there is no …" of some parts of a plugin and what they require.
local function lines_of(name, parts)
  local files, lines = files_of(name, parts), {}
  local known = known_fields(files)
  for _, file in ipairs(files) do
    for _, problem in ipairs(problems_of(file, known)) do
      table.insert(lines, problem.text)
    end
  end
  return lines
end

--- Looks through a plugin's files. The globals `kong` and `ngx` have to be there (weir.pdk).
-- @tparam string name of the plugin
-- @treturn {string,...} lines "FILE:LINE: there is no …"; none when nothing is missing
function needs.of(name)
  return lines_of(name, PARTS)
end

--- Looks through the files of a plugin's pages for the Admin API.
-- @tparam string name of the plugin
-- @treturn {string,...} as of()
function needs.of_pages(name)
  return lines_of(name, PAGES)
end

return needs
