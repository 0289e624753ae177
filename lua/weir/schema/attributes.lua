-- What the definition of a field may say, for any type.
--
-- Some of it is for others than the schema: `description` and `examples` for readers, `encrypted`,
-- `indexed`, `on_delete`, `immutable` and `transient` for databases and Admin APIs that can write.
local validators = require("weir.schema.validators")

local attributes = {}

for _, list in ipairs({
  {
    "type", "required", "default", "auto", "unique", "unique_across_ws", "reference", "on_delete",
    "abstract", "immutable", "err", "description", "examples", "encrypted", "referenceable",
    "transient", "indexed", "deprecation", "legacy", "nilable", "hidden",
    "generate_admin_api",
  },
  -- of collections and records
  {
    "elements", "keys", "values", "fields", "entity_checks", "shorthand_fields", "transformations",
    "check",
  },
  -- of shorthand fields
  { "func", "translate_backwards" },
  -- weir's own
  { "refers_to" },
  validators.order,
}) do
  for _, name in ipairs(list) do
    attributes[#attributes + 1] = name
    attributes[name] = true
  end
end

return attributes
