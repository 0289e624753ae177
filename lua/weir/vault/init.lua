-- Secrets that a configuration refers to, and does not hold.
--
-- Nothing is kept here: the environment is at hand, and what it says does not change while the
-- process runs.
local cjson = require("cjson")
local reference = require("weir.vault.reference")

local Vault = {}
Vault.__index = Vault

-- The vaults that there are, by name.
local INSTALLED = { env = require("weir.vault.env") }

-- Options of a reference are text.
local function with_options(config, options)
  local result = {}
  for name, value in pairs(config) do
    result[name] = value
  end
  for name, value in pairs(options or {}) do
    result[name] = value
  end
  if type(result.base64_decode) == "string" then
    result.base64_decode = result.base64_decode == "true"
  end
  return result
end

-- The vault of a name and how it is configured: an entity's prefix, else a vault of weir's own.
function Vault:find(name)
  local entity = self.by_prefix(name)
  if entity then
    return INSTALLED[entity.name], entity.config or {}
  end
  return INSTALLED[name], self.configured(name)
end

-- A field of a secret that is a JSON object.
local function field_of(text, key)
  local ok, object = pcall(cjson.decode, text)
  if not ok or type(object) ~= "table" then
    return nil, "its value is no JSON object"
  end
  local value = object[key]
  if value == nil or value == cjson.null then
    return nil, ("its value has no field '%s'"):format(key)
  end
  return type(value) == "string" and value or cjson.encode(value)
end

--- Looks a secret up.
-- @tparam string text a reference
-- @treturn string|nil
-- @treturn nil|string
function Vault:get(text)
  local parts, err = reference.parse(text)
  if not parts then
    return nil, err
  end
  local vault, config = self:find(parts.name)
  if not vault then
    return nil, ("could not find vault (%s) [%s]"):format(parts.name, text)
  end
  local value
  value, err = vault.get(with_options(config, parts.config), parts.resource, parts.version)
  if value and parts.key then
    value, err = field_of(value, parts.key)
  end
  if not value then
    return nil, ("could not get value from external vault (%s) [%s]"):format(err, text)
  end
  return value
end

--- Makes what looks secrets up.
-- @tparam function by_prefix gives the `vaults` entity of a prefix, or nil
-- @tparam function setting gives a setting (weir.settings): they configure a vault where no entity
-- does
function Vault.new(by_prefix, setting)
  local function configured(name)
    return {
      prefix = setting(("vault_%s_prefix"):format(name)),
      base64_decode = setting(("vault_%s_base64_decode"):format(name)),
    }
  end
  return setmetatable({ by_prefix = by_prefix, configured = configured }, Vault)
end

--- The names of the vaults that there are.
Vault.NAMES = { "env" }

return Vault
