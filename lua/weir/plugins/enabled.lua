-- The plugins that the settings enable, in a process that has run none so far.
local bounds = require("weir.bounds")
local loader = require("weir.loader")
local pdk = require("weir.pdk")
local plugins = require("weir.plugins")

local enabled = {}

--- Makes everything ready that plugins count on (the globals `kong`, `ngx` and `print`, where their
-- modules are found), and loads them.
-- @tparam table settings by name
-- @treturn table|nil what weir.plugins.load_all() gives
-- @treturn nil|table error texts
function enabled.load(settings)
  loader.set_path(settings.plugin_path, settings.lua_package_path)
  bounds.set(settings)
  pdk.install(settings)
  _G.print = require("weir.ngx.print")
  return plugins.load_all(settings.plugins)
end

return enabled
