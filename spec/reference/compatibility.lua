-- What of Kong there is, as a page: Kong's names (spec.reference.kong), looked up in weir itself.

local absent = require("weir.settings.absent")
local entities = require("weir.entities")
local hints = require("weir.plugins.needs.hints")
local kong = require("spec.reference.kong")
local offered = require("weir.plugins.needs.offered")
local plugins = require("weir.plugins")
local settings = require("weir.settings")

local HEAD = [[
# What of Kong there is

Written by `make reference`: the names are those of Kong 3.9 and OpenResty, and each was looked up
in weir itself. A configuration, setting or plugin that asks for what is not there is refused before
anything runs, with place and remedy; `weir check` and `weir plugin check` say the same without a
gateway.

| Kong | weir |
|---|---|
| `kong start`, `restart` | `weir run FILE`, in the foreground |
| `kong reload`, `kong config db_import`, `POST /config` | SIGHUP: the file is loaded again |
| `kong config parse`, `kong check` | `weir check FILE` |
| `kong stop`, `kong quit` | SIGTERM, SIGQUIT |
| `kong health` | `/status` of the Admin API |
| `kong migrations`, `kong hybrid`, `kong vault` | nothing: no database, no control plane |
| `KONG_LOG_LEVEL=…` in the environment | `WEIR_LOG_LEVEL=…` |
]]

local CONFIGURATIONS = [[

## Configurations

Declarative files of `_format_version` 1.1, 2.1 and 3.0, YAML or JSON, with entities nested or not
and `_transform`. What decK writes into its files for itself (`_info` and the like) has to be left
out.
]]

local SETTINGS = [[

## Settings

`weir help settings` says what each of these does:

%s.

What else stands in a `kong.conf` is refused, with what is so instead:

| setting | |
|---|---|
]]

local ADMIN = [[

## Admin API

Read-only; [`lua/weir/admin/README.md`](../weir/admin/README.md) lists what it answers. Kong's
Status API (`status_listen`), Manager and Konnect are not there.
]]

local compatibility = {}

local function code(list)
  local quoted = {}
  for i, name in ipairs(list) do
    quoted[i] = ("`%s`"):format(name)
  end
  return table.concat(quoted, ", ")
end

-- Splits a list by a predicate.
local function split(list, is_there)
  local there, missing = {}, {}
  for _, name in ipairs(list) do
    table.insert(is_there(name) and there or missing, name)
  end
  return there, missing
end

-- The first part of a path that is not there; nil when all is.
local function missing_part(space, name)
  local path = {}
  for part in (space .. "." .. name):gmatch("[^.]+") do
    table.insert(path, part)
  end
  local length = offered.missing(path)
  return length and table.concat(path, ".", 1, length)
end

-- Each name that is missing, with what to use instead if there is a word on it.
local function with_hints(list, hint_of)
  local parts = {}
  for i, name in ipairs(list) do
    local hint = hint_of(name)
    parts[i] = ("`%s`%s"):format(name, hint and " (instead: " .. hint .. ")" or "")
  end
  return table.concat(parts, ", ")
end

local function add_spaces(lines, spaces)
  table.insert(lines, "| | there | not there |\n|---|---|---|")
  for _, space in ipairs(spaces) do
    local path = space[1]
    local there, missing = split(space[2], function(name)
      return not missing_part(path, name)
    end)
    local lacking = with_hints(missing, function(name)
      return hints.fields[missing_part(path, name)]
    end)
    table.insert(lines, ("| `%s` | %s | %s |"):format(path, code(there), lacking))
  end
end

-- ---- plugins

local function is_phase(name)
  for _, known in ipairs(plugins.PHASES) do
    if name == known then
      return true
    end
  end
  return name == "init_worker" or name == "configure"
end

local function is_bundled(name)
  for _, bundled in ipairs(settings.bundled_plugins) do
    if name == bundled then
      return true
    end
  end
  return false
end

local function exists(path)
  local file = io.open(path)
  return file ~= nil and file:close()
end

local function is_module(name)
  local path = "lua/" .. name:gsub("%.", "/")
  return exists(path .. ".lua") or exists(path .. "/init.lua")
end

local function add_plugins(lines)
  local there, missing = split(kong.plugins, is_bundled)
  table.insert(lines, "\n## Plugins\n\nThose of Kong that ship with weir: " .. code(there)
    .. ". Not: " .. code(missing) .. ". A plugin that is written for Kong, be it one of these, is "
    .. "installed as [`plugins/README.md`](../../plugins/README.md) says; `weir plugin check` "
    .. "names what it asks for that weir does not have.\n")
  local phases, no_phases = split(kong.phases, is_phase)
  table.insert(lines, "Phases of handlers: " .. code(phases) .. ". Not: " .. code(no_phases)
    .. ".\n")
end

local function add_modules(lines)
  local there, missing = split(kong.modules, is_module)
  table.insert(lines, "\n### Modules\n\nTo require: " .. code(there)
    .. ", and LuaJIT's own (`bit`, `ffi`, `string.buffer`, `table.new`, …). Not: "
    .. with_hints(missing, function(name) return hints.modules[name] end)
    .. ". Modules that are installed on the machine for Lua 5.1 (Penlight, LuaSocket, …) are "
    .. "found, too, but what waits in them stops a worker.\n")
end

-- ---- configurations

local visit_fields

-- Notes for a field, and for what is in it, which values are taken where Kong takes more.
local function visit_field(found, path, definition)
  local supported = definition.supported
  if supported then
    local values = {}
    for i, value in ipairs(supported) do
      values[i] = ("`%s`"):format(tostring(value))
    end
    table.insert(found, { path = path, values = table.concat(values, ", ") })
  end
  if definition.fields then
    visit_fields(found, path, definition.fields)
  end
  if definition.elements then
    visit_field(found, path .. "[]", definition.elements)
  end
end

function visit_fields(found, path, fields)
  for _, item in ipairs(fields) do
    local name, definition = next(item)
    visit_field(found, path .. "." .. name, definition)
  end
end

local function add_entities(lines)
  local model = entities.model(settings.bundled_plugins)
  local there, missing = split(kong.entities, function(name)
    return model.definitions[name] ~= nil
  end)
  table.insert(lines, CONFIGURATIONS)
  table.insert(lines, "Entities: " .. code(there) .. ". Not: " .. code(missing)
    .. ". Of some fields not all of Kong's values are taken:\n\n| field | only |\n|---|---|")
  local found = {}
  for _, name in ipairs(entities.base.names) do
    visit_fields(found, name, entities.base.definitions[name].fields)
  end
  for _, field in ipairs(found) do
    table.insert(lines, ("| `%s` | %s |"):format(field.path,
      field.values == "" and "not set" or field.values))
  end
end

local function add_settings(lines)
  local names = {}
  for i, key in ipairs(settings.keys) do
    names[i] = key.name
  end
  table.insert(lines, SETTINGS:format(code(names)):sub(1, -2))
  for _, group in ipairs(absent.GROUPS) do
    table.insert(lines, ("| %s | %s |"):format(code(group[1]), group[2]))
  end
end

--- The page.
-- @treturn string Markdown
function compatibility.text()
  local lines = { HEAD }
  add_plugins(lines)
  table.insert(lines, "\n### The plugin development kit\n\nArguments, results and errors: "
    .. "[`lua/weir/pdk/README.md`](../weir/pdk/README.md), also of what weir adds.\n")
  add_spaces(lines, kong.pdk)
  table.insert(lines, "\n### ngx\n\nWhat differs: "
    .. "[`lua/weir/ngx/README.md`](../weir/ngx/README.md).\n")
  add_spaces(lines, kong.ngx)
  add_modules(lines)
  add_entities(lines)
  add_settings(lines)
  table.insert(lines, ADMIN:sub(1, -2))
  return (table.concat(lines, "\n"):gsub("\n\n\n+", "\n\n") .. "\n")
end

return compatibility
