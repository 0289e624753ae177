-- A Dao for each type of entities that there is: what kong.db shows.
local Dao = require("weir.db.dao")
local entities = require("weir.entities")

local daos = {}

-- What plugins there are is a setting: it stays while the process runs, and so do these.
local made

--- Those of the model for a set of plugins, made when they are first asked for.
-- @tparam table plugins names
-- @treturn table by type
function daos.of(plugins)
  if not made then
    made = {}
    local model = entities.model(plugins)
    for _, name in ipairs(model.names) do
      made[name] = Dao.new(model.definitions[name], model.schemas[name])
    end
  end
  return made
end

return daos
