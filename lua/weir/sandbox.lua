-- Loads Lua that stands in configurations (pre-function, templates): nobody has looked at it as at
-- the code of a plugin.
--
-- The setting untrusted_lua says whether that is done at all ("off"), with the globals of
-- weir.sandbox.environment ("sandbox"), or with what plugins have ("on").

local bounds = require("weir.bounds")
local configuration = require("weir.pdk.configuration")
local environment = require("weir.sandbox.environment")
local globals = require("weir.bounds.globals")

local sandbox = {}

local OFF = "loading of untrusted Lua code disabled because 'untrusted_lua' config option is set "
  .. "to 'off'"

-- No plugin is called that.
local NOBODY = "untrusted Lua"

-- load() as untrusted code has it: what it loads has its globals, or a table of its own making.
local function inner_load(env)
  return function(chunk, name, _, own)
    return bounds.load(chunk, name, "t", own or env)
  end
end

--- Loads a chunk.
-- @tparam string chunk
-- @tparam ?string name for messages, as in load()
-- @tparam ?table env globals of its own; the allowed ones are added to it
-- @treturn function|nil
-- @treturn nil|string why not
function sandbox.load(chunk, name, env)
  local mode = configuration.get("untrusted_lua")
  env = env or {}
  if mode == "off" then
    return nil, OFF
  elseif mode == "on" then
    return bounds.load(chunk, name, "t", setmetatable(env, { __index = globals.of(NOBODY) }))
  end
  return bounds.load(chunk, name, "t", environment.fill(env, inner_load(env)))
end

return sandbox
