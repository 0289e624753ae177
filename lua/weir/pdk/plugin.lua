-- kong.plugin: the plugin instance that runs.
local current = require("weir.pdk.current")

local plugin = {}

--- The id of its entity.
-- @treturn string|nil nil outside of plugins
function plugin.get_id()
  return current.plugin and current.plugin.id
end

return plugin
