-- Plugins: one configuration of one plugin, for everything, a service, a route, a consumer, or for
-- several of these together.
--
-- A plugin's own schema.lua completes this definition: its `config`, and what it says about the
-- other fields (protocols, `no_service` and so on) replaces what is said here.
local Schema = require("weir.schema")
local failure = require("weir.runner.failure")
local typedefs = require("weir.schema.typedefs")

local definition = {
  name = "plugins",
  endpoint_key = "instance_name",
  cache_key = { "name", "route", "service", "consumer" },
  workspaceable = true,
  fields = {
    { id = typedefs.uuid },
    { created_at = typedefs.auto_timestamp_s },
    { updated_at = typedefs.auto_timestamp_s },
    { name = { type = "string", required = true } },
    { instance_name = typedefs.utf8_name },
    { route = { type = "foreign", reference = "routes" } },
    { service = { type = "foreign", reference = "services" } },
    { consumer = { type = "foreign", reference = "consumers" } },
    { config = { type = "record", abstract = true } },
    { protocols = typedefs.protocols },
    { enabled = { type = "boolean", required = true, default = true } },
    { tags = typedefs.tags },
  },
}

-- The plugin's fields over the common ones, each in the place of the one it replaces.
local function specialize(plugin)
  local own = {}
  for _, item in ipairs(plugin.fields or {}) do
    local name, field = next(item)
    own[name] = field
  end
  local fields = {}
  for i, item in ipairs(definition.fields) do
    local name, field = next(item)
    fields[i] = { [name] = own[name] or field }
  end
  return {
    name = plugin.name or "plugin",
    fields = fields,
    entity_checks = plugin.entity_checks,
    shorthand_fields = plugin.shorthand_fields,
    transformations = plugin.transformations,
    advise = plugin.advise,
  }
end

-- `config` is always there, with the defaults of its fields.
local function require_config(schema)
  for _, item in ipairs(schema.fields) do
    if item.config then
      local config = {}
      for key, value in pairs(item.config) do
        config[key] = value
      end
      config.required = true
      item.config = config
    end
  end
  return schema
end

local schemas = {}

--- The schema of a plugin's configurations.
-- @tparam string name
-- @treturn Schema|nil
-- @treturn nil|string why it cannot be loaded
function definition.schema_of(name)
  if schemas[name] then
    return schemas[name]
  end
  local module = "kong.plugins." .. name .. ".schema"
  local ok, plugin = failure.call(require, module)
  if not ok and plugin:find(("module '%s' not found"):format(module), 1, true) == 1 then
    return nil, ("plugin '%s' is enabled but not installed"):format(name)
  elseif not ok then
    return nil, ("the schema of plugin '%s' cannot be loaded: %s"):format(name, plugin)
  elseif type(plugin) ~= "table" then
    return nil, ("the schema of plugin '%s' is no table"):format(name)
  end
  local schema, err = Schema.new(require_config(specialize(plugin)))
  if not schema then
    return nil, ("the schema of plugin '%s' is not valid: %s"):format(name, err)
  end
  schemas[name] = schema
  return schema
end

-- What a plugin's schema has to say about a configuration that is legal and yet probably a mistake.
-- It may look at all the rest, once that is valid.
function definition.advise(entity, context)
  local give_advice = definition.schema_of(entity.name).definition.advise
  if not (give_advice and context.config and entity.enabled) then
    return {}
  end
  local ok, advice = failure.call(give_advice, entity, context.config)
  return ok and advice or {
    { field = "name", message = "its schema fails to advise: " .. tostring(advice) },
  }
end

return definition
