-- The lists of a transformer's configuration for one kind of thing (headers, body, …), ready to be
-- applied, and their application.
--
-- What they are applied to has the methods has(name), remove(name), rename(old, new),
-- set(name, value) and append(name, value).

local pairs_of = require("kong.plugins.request-transformer.pairs")

local rules = {}

local OPERATIONS = { "remove", "rename", "replace", "add", "append" }

--- Prepares lists.
-- @tparam table conf with a record for each operation
-- @tparam string kind field of these records
-- @tparam ?function prepare makes of a value what apply() gets: (value, operation, number in its
-- list)
-- @tparam ?function allow says whether an operation applies to a name: (name, operation)
-- @treturn table with `empty`: nothing is to be done
function rules.of(conf, kind, prepare, allow)
  local result = { empty = true }
  for _, operation in ipairs(OPERATIONS) do
    local items = {}
    for i, text in ipairs(conf[operation][kind] or {}) do
      local name, value = pairs_of.split(text)
      if not allow or allow(name, operation) then
        value = prepare and prepare(value, operation, i) or value
        items[#items + 1] = { name = name, value = value }
        result.empty = false
      end
    end
    result[operation] = items
  end
  return result
end

local function identity(value)
  return value
end

--- Applies rules, in Kong's order.
-- @tparam table list what of() made
-- @tparam table things what they are applied to
-- @tparam ?function text_of what a value is for this request
-- @tparam ?function encode how values are written; names are not
function rules.apply(list, things, text_of, encode)
  text_of, encode = text_of or identity, encode or identity
  for _, item in ipairs(list.remove) do
    things:remove(item.name)
  end
  for _, item in ipairs(list.rename) do
    if things:has(item.name) then
      things:rename(item.name, text_of(item.value))
    end
  end
  for _, item in ipairs(list.replace) do
    if things:has(item.name) then
      things:set(item.name, encode(text_of(item.value)))
    end
  end
  for _, item in ipairs(list.add) do
    if not things:has(item.name) then
      things:set(item.name, encode(text_of(item.value)))
    end
  end
  for _, item in ipairs(list.append) do
    things:append(item.name, encode(text_of(item.value)))
  end
end

return rules
