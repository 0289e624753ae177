-- Globals of plugins: each plugin has its own, with copies of Lua's libraries in them, so that one
-- that forgets a `local` (`type = conf.type`) or replaces a function (`string.find = …`) spoils
-- neither weir nor the other plugins. `kong` and `ngx` are the same tables for all.

local bounds = require("weir.bounds")

local LIBRARIES = { "bit", "coroutine", "debug", "io", "jit", "math", "os", "string", "table" }

local globals = {}

local by_plugin = {}

-- What a table inherits, as weir's `coroutine` does from Lua's, its copy inherits, too.
local function copy_of(t)
  local copy = {}
  for key, value in pairs(t) do
    copy[key] = value
  end
  return setmetatable(copy, getmetatable(t))
end

local function not_for_plugins(name, why)
  return function()
    error(("%s is not for plugins: %s"):format(name, why), 2)
  end
end

local function make()
  local env = copy_of(_G)
  env._G = env
  for _, name in ipairs(LIBRARIES) do
    env[name] = copy_of(_G[name])
  end
  env.os.exit = not_for_plugins("os.exit", "it would end the gateway")
  env.debug.sethook = not_for_plugins("debug.sethook", "all plugins would run with the hook")
  for name, loads in pairs(bounds.loaders(env)) do
    env[name] = loads
  end
  -- What is set later on.
  return setmetatable(env, { __index = _G })
end

--- The globals of a plugin's files.
-- @tparam string plugin name
-- @treturn table the same one for all of them
function globals.of(plugin)
  by_plugin[plugin] = by_plugin[plugin] or make()
  return by_plugin[plugin]
end

return globals
