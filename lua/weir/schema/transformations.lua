-- Transformations: what a schema makes of values when an entity is written, and when it is read.
local null = require("cjson").null
local dotted = require("weir.schema.dotted")

local transformations = {}

-- The values that a transformation works on; nil when one of them is not set.
local function inputs_of(item, data)
  local inputs = {}
  for _, list in ipairs({ item.input or {}, item.needs or {} }) do
    for _, name in ipairs(list) do
      local value = dotted.get(data, name)
      if value == null then
        return nil
      end
      table.insert(inputs, value)
    end
  end
  return inputs
end

local function apply(item, fn, data)
  local inputs = fn and inputs_of(item, data)
  for key, value in pairs(inputs and fn(unpack(inputs)) or {}) do
    data[key] = value
  end
end

--- Runs transformations for writing. `always` is weir's: a normal form, or a value that only weir
-- may compute, is no matter of `_transform`.
-- @tparam table list
-- @tparam table data changed in place
-- @tparam ?boolean transforming false: only those that always run
function transformations.write(list, data, transforming)
  for _, item in ipairs(list) do
    if item.always or transforming ~= false then
      apply(item, item.on_write, data)
    end
  end
end

--- Runs transformations for reading.
-- @tparam table list
-- @tparam table data changed in place
function transformations.read(list, data)
  for _, item in ipairs(list) do
    apply(item, item.on_read, data)
  end
end

return transformations
