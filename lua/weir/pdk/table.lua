-- kong.table: helpers for tables.
local helpers = {}

--- A table with room.
-- @tparam number narr for so many list items
-- @tparam number nrec for so many fields
-- @treturn table
helpers.new = require("table.new")

--- Removes everything from a table and keeps its room.
-- @tparam table tab
helpers.clear = require("table.clear")

--- A new table with the fields of both; those of the second win.
-- @tparam ?table a
-- @tparam ?table b
-- @treturn table
function helpers.merge(a, b)
  local merged = {}
  for key, value in pairs(a or {}) do
    merged[key] = value
  end
  for key, value in pairs(b or {}) do
    merged[key] = value
  end
  return merged
end

return helpers
