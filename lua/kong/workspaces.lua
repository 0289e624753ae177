-- kong.workspaces: there is one.
local workspace = require("weir.entities.workspace")

local workspaces = { DEFAULT_WORKSPACE = workspace.name }

--- @treturn string id
function workspaces.get_workspace_id()
  return workspace.id
end

--- @treturn table id, name
function workspaces.get_workspace()
  return { id = workspace.id, name = workspace.name }
end

return workspaces
