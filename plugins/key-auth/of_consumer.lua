-- Entities that belong to consumers, as the daos.lua of plugins that authenticate list them.

local typedefs = require("kong.db.schema.typedefs")

--- Completes a definition by what all of these have.
-- @tparam table definition in Kong's shape, with its own fields only
-- @treturn table the same
return function(definition)
  local fields = {
    { id = typedefs.uuid },
    { created_at = typedefs.auto_timestamp_s },
    { consumer = {
      type = "foreign", reference = "consumers", required = true, on_delete = "cascade",
    } },
  }
  for _, field in ipairs(definition.fields) do
    table.insert(fields, field)
  end
  table.insert(fields, { tags = typedefs.tags })
  definition.primary_key, definition.workspaceable, definition.fields = { "id" }, true, fields
  return definition
end
