-- Globals of plugins: each plugin has its own, with copies of Lua's libraries in them, so that one
-- that forgets a `local` (`type = conf.type`) or replaces a function (`string.find = …`) spoils
-- neither weir nor the other plugins. `kong` and `ngx` are the same tables for all.

local bounds = require("weir.bounds")

local LIBRARIES = { "bit", "coroutine", "debug", "io", "jit", "math", "os", "table" }

local globals = {}

local by_plugin = {}

-- A table of a plugin's own in place of a global one: what that has. What is added to the global
-- one later, by modules of no plugin, is found in it, too.
local function own(global)
  local copy = {}
  for key, value in pairs(global) do
    copy[key] = value
  end
  return setmetatable(copy, { __index = global })
end

local strings = _G.string

-- Lua's functions, before anybody has added some.
local LUAS = own(strings)

-- What a plugin adds to `string` are methods of strings, which have one table for all plugins; what
-- it puts in the place of Lua's is its own.
local function own_strings()
  local copy = own(LUAS)
  getmetatable(copy).__newindex = function(_, name, value)
    rawset(rawget(LUAS, name) and copy or strings, name, value)
  end
  return copy
end

local function not_for_plugins(name, why)
  return function()
    error(("%s is not for plugins: %s"):format(name, why), 2)
  end
end

local function make()
  local env = own(_G)
  env._G = env
  for _, name in ipairs(LIBRARIES) do
    env[name] = own(_G[name])
  end
  env.string = own_strings()
  env.os.exit = not_for_plugins("os.exit", "it would end the gateway")
  env.debug.sethook = not_for_plugins("debug.sethook", "all plugins would run with the hook")
  for name, loads in pairs(bounds.loaders(env)) do
    env[name] = loads
  end
  return env
end

--- The globals of a plugin's files.
-- @tparam string plugin name
-- @treturn table the same one for all of them
function globals.of(plugin)
  by_plugin[plugin] = by_plugin[plugin] or make()
  return by_plugin[plugin]
end

return globals
