-- Where modules come from: weir's own tree, plugin folders, and the user's lua_package_path.
--
-- kong.plugins.NAME.FILE is what lua_package_path names, or DIR/NAME/FILE.lua, or
-- DIR/NAME/FILE/init.lua, in the first plugin folder that has it. The user's come before those that
-- ship, as in Kong: whoever brings a plugin of the same name means that one.
--
-- A VM calls install() and keep_bounds() when it starts (core/vm/vm.c), and set_path() once it has
-- the settings. What is not weir's own is loaded within bounds (weir.bounds).

local loader = {}

-- Before weir.bounds puts its own in its place.
local loadfile = loadfile

local modules, shipped
local folders = "" -- templates for NAME.FILE
local base = package.path
local first = "" -- templates of lua_package_path that come before weir's own

local function split(list)
  local items = {}
  for item in list:gmatch("[^:,%s]+") do
    items[#items + 1] = item
  end
  return items
end

local function templates_of(folder)
  return ("%s/?.lua;%s/?/init.lua"):format(folder, folder)
end

local function is_below(path, folder)
  return path:sub(1, #folder + 1) == folder .. "/"
end

-- Weir's own files as they are; others within bounds, those of plugins with globals of their own.
local function read_file(name, path)
  if is_below(path, modules) or is_below(path, shipped) then
    return loadfile(path)
  end
  local plugin = name:match("^kong%.plugins%.([%w_-]+)")
  return require("weir.bounds").loadfile(path, "t",
    plugin and require("weir.bounds.globals").of(plugin) or _G)
end

-- A file that is there but does not compile is an error, not a miss.
local function load_file(name, path)
  local chunk, err = read_file(name, path)
  return chunk
    or error(("error loading module '%s' from file '%s':\n\t%s"):format(name, path, err), 0)
end

-- The file of a plugin's module; nil and the files that were looked for, or nothing for a module
-- of another kind.
local function plugin_file(name)
  local file = name:match("^kong%.plugins%.([%w_-]+%.[%w_.]+)$")
  if not file then
    return nil
  end
  local found = first ~= "" and package.searchpath(name, first)
  if found then
    return found
  end
  return package.searchpath(file, folders)
end

-- A module loader (package.loaders) for plugins.
local function load_plugin_file(name)
  local path, tried = plugin_file(name)
  return path and load_file(name, path) or tried
end

--- Where the Lua file of a module lies.
-- @tparam string name
-- @treturn string|nil path
function loader.locate(name)
  return plugin_file(name) or (package.searchpath(name, package.path))
end

--- Whether a module belongs to a plugin that ships with weir.
-- @tparam string name
-- @treturn boolean
function loader.is_shipped(name)
  local path = plugin_file(name)
  return path ~= nil and shipped ~= nil and is_below(path, shipped)
end

-- A module loader for everything that package.path names. What it does not find is said by Lua's
-- own, which comes next.
local function find_file(name)
  local path = package.searchpath(name, package.path)
  return path and load_file(name, path)
end

--- Makes weir's own modules and plugins loadable, before everything else that package.path names.
-- @tparam string root the folder that holds lua/ and plugins/
function loader.install(root)
  modules, shipped = root .. "/lua", root .. "/plugins"
  folders = templates_of(shipped)
  base = ("%s/lua/?.lua;%s/lua/?/init.lua;%s"):format(root, root, package.path)
  package.path = base
  table.insert(package.loaders, 2, load_plugin_file)
end

--- From now on whatever is loaded in this state, but for weir's own modules, is kept within bounds.
function loader.keep_bounds()
  table.insert(package.loaders, 3, find_file)
  require("weir.bounds").install()
end

--- Applies the settings that say where the user's modules lie, in place of what was set before.
-- @tparam ?string plugin_path folders of plugins, separated by ":" or ","; shipped ones come last
-- @tparam ?string lua_package_path templates in Lua's syntax, searched before weir's own;
-- ";;" stands for those
function loader.set_path(plugin_path, lua_package_path)
  local list = split(plugin_path or "")
  list[#list + 1] = shipped
  for i, folder in ipairs(list) do
    list[i] = templates_of(folder)
  end
  folders = table.concat(list, ";")
  local templates = lua_package_path or ""
  local own = templates:find(";;", 1, true)
  first = own and templates:sub(1, own - 1) or templates
  if templates == "" then
    package.path = base
  elseif own then
    package.path = templates:gsub(";;", function() return ";" .. base .. ";" end, 1)
  else
    package.path = templates .. ";" .. base
  end
end

return loader
