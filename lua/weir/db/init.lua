-- kong.db: the entities of the configuration that is in force, a field for each type.
local current = require("weir.pdk.current")

return setmetatable({ strategy = "off" }, {
  __index = function(_, name)
    local generation = current.generation
    return generation and require("weir.db.daos").of(generation.settings.plugins)[name]
  end,
})
