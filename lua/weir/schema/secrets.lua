-- References to secrets in records: `$refs` of a processed record has, by field, what was written
-- in place of the secret; for lists and maps by their keys.
local reference = require("weir.vault.reference")

local secrets = {}

--- The references in a value: one, or those of a list or map by their keys.
-- @tparam table field compiled
-- @param value as written
-- @treturn string|table|nil
function secrets.references_in(field, value)
  if reference.is(value) then
    return field.def.referenceable and value or nil
  elseif type(value) ~= "table" or field.def.referenceable then
    return nil
  end
  local found
  for key, item in pairs(value) do
    if reference.is(item) then
      found = found or {}
      found[key] = item
    end
  end
  return found
end

--- A copy of a processed record with the references in place of the secrets.
-- @tparam table value
-- @treturn table
function secrets.as_written(value)
  if type(value) ~= "table" then
    return value
  end
  local result = {}
  for name, item in pairs(value) do
    if name ~= "$refs" then
      result[name] = secrets.as_written(item)
    end
  end
  for name, refs in pairs(value["$refs"] or {}) do
    if type(refs) == "string" then
      result[name] = refs
    else
      for key, text in pairs(refs) do
        result[name][key] = text
      end
    end
  end
  return result
end

return secrets
