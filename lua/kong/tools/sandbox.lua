-- kong.tools.sandbox: Lua of configurations, within the bounds of the setting untrusted_lua.
--
-- Options are chunk_name and env, or in place of the table the chunk's name alone.

local environment = require("weir.sandbox.environment")
local settings = require("weir.pdk.configuration")
local untrusted = require("weir.sandbox")

local sandbox = {}

-- What the settings say: `enabled`, whether there is such Lua at all; `sandbox_enabled`, whether
-- there are bounds; `environment`, the globals that they add.
sandbox.configuration = setmetatable({}, {
  __index = function(_, name)
    local mode = settings.get("untrusted_lua")
    if name == "enabled" then
      return mode ~= "off"
    elseif name == "sandbox_enabled" then
      return mode == "sandbox"
    elseif name == "environment" then
      return environment.added()
    end
    return nil
  end,
})

--- Loads a chunk.
-- @treturn function; raises an error when it cannot be loaded
function sandbox.sandbox(chunk, options, _, env)
  local name = options
  if type(options) == "table" then
    name, env = options.chunk_name or options.chunkname, env or options.env
  end
  local fn, err = untrusted.load(chunk, name, env)
  return fn or error(err, 0)
end

--- Whether a chunk can be loaded; it is not run.
-- @treturn boolean
-- @treturn nil|string
function sandbox.validate_safe(...)
  local ok, err = pcall(sandbox.sandbox, ...)
  if not ok then
    return false, "Error parsing function: " .. err
  end
  return true
end

--- Runs a chunk for the function that it returns.
-- @treturn function|false
-- @treturn nil|string
function sandbox.validate_function(...)
  local loaded, chunk = pcall(sandbox.sandbox, ...)
  if not loaded then
    return false, "Error parsing function: " .. chunk
  end
  local ok, fn = pcall(chunk)
  if not ok then
    return false, tostring(fn)
  elseif type(fn) ~= "function" then
    return false, "Bad return value from function, expected function type, got " .. type(fn)
  end
  return fn
end

--- Whether a chunk returns a function.
-- @treturn boolean
-- @treturn nil|string
function sandbox.validate(...)
  local fn, err = sandbox.validate_function(...)
  return fn ~= false, err
end

--- The function that a chunk returns; raises an error when there is none.
function sandbox.parse(...)
  local fn, err = sandbox.validate_function(...)
  return fn or error(err, 0)
end

return sandbox
