-- Shorthand fields: other ways to write what fields say, kept for those who know the old names.
local null = require("cjson").null
local dotted = require("weir.schema.dotted")

local shorthands = {}

--- Merges what a shorthand stands for into `data`. A field that is given by its own name wins.
-- @tparam table data
-- @tparam table expansion
function shorthands.merge(data, expansion)
  for key, value in pairs(expansion) do
    local present = data[key]
    if type(value) == "table" and type(present) == "table" then
      shorthands.merge(present, value)
    elseif present == nil then
      data[key] = value
    end
  end
end

--- Whether an input has fields of a compiled record's shorthands.
function shorthands.used(record, input)
  for _, item in ipairs(record.shorthands) do
    if input[item.name] ~= nil then
      return true
    end
  end
  return false
end

-- What a shorthand would have been written as, from the fields that it stands for.
local function written_backwards(def, data)
  for _, place in ipairs(def.deprecation and def.deprecation.replaced_with or {}) do
    local value
    if place.reverse_mapping_function then
      value = place.reverse_mapping_function(data)
    else
      value = dotted.get(data, table.concat(place.path, "."))
    end
    if value ~= nil and value ~= null then
      return value
    end
  end
  return def.translate_backwards and dotted.get(data, table.concat(def.translate_backwards, "."))
end

--- Sets the shorthands of a processed record: code that still reads a field by its old name finds
-- it.
-- @tparam table record compiled
-- @tparam table data
function shorthands.fill(record, data)
  for _, item in ipairs(record.shorthands) do
    local value = written_backwards(item.field.def, data)
    if value ~= nil and value ~= null then
      data[item.name] = value
    end
  end
end

return shorthands
