-- Vaults: where secrets that the configuration refers to are looked up.
local typedefs = require("weir.schema.typedefs")
local Vault = require("weir.vault")

local function check_name(name)
  for _, installed in ipairs(Vault.NAMES) do
    if name == installed then
      return true
    end
  end
  return nil, ("vault '%s' is not installed"):format(name)
end

return {
  name = "vaults",
  endpoint_key = "prefix",
  cache_key = { "prefix" },
  workspaceable = true,
  fields = {
    { id = typedefs.uuid },
    { created_at = typedefs.auto_timestamp_s },
    { updated_at = typedefs.auto_timestamp_s },
    {
      prefix = {
        type = "string", required = true, unique = true, match = "^[a-z][a-z%d-]-[a-z%d]+$",
        not_one_of = Vault.NAMES,
      },
    },
    { name = { type = "string", required = true, custom_validator = check_name } },
    { description = { type = "string" } },
    -- That of the vault `env`, the only one that there is.
    {
      config = {
        type = "record", required = true,
        fields = {
          { prefix = { type = "string" } },
          { base64_decode = { type = "boolean", required = true, default = false } },
        },
      },
    },
    { tags = typedefs.tags },
  },
}
