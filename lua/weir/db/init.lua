-- kong.db: the entities of the configuration that is in force, a field for each type.
local current = require("weir.pdk.current")
local Dao = require("weir.db.dao")

-- What plugins there are is a setting: it stays while the process runs.
local daos

local function make_daos()
  local model = require("weir.entities").model(current.generation.settings.plugins)
  local made = {}
  for _, name in ipairs(model.names) do
    made[name] = Dao.new(model.definitions[name], model.schemas[name])
  end
  return made
end

return setmetatable({ strategy = "off" }, {
  __index = function(_, name)
    if not daos and current.generation then
      daos = make_daos()
    end
    return daos and daos[name]
  end,
})
