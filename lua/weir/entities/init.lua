-- The entity types of a declarative file.
local Schema = require("weir.schema")

-- Referenced types come before those that refer to them: ids and names are resolved in this order.
local NAMES = {
  "certificates", "ca_certificates", "services", "upstreams", "routes", "plugins", "targets",
  "snis",
}

local entities = {
  names = NAMES,
  definitions = {},
  schemas = {},

  -- Kong's other types, to tell "not yet" from a typing error.
  unsupported = {},
}

for _, name in ipairs({
  "consumers", "consumer_groups", "vaults", "keys", "key_sets", "filter_chains", "workspaces",
  "parameters", "acls", "basicauth_credentials", "hmacauth_credentials", "jwt_secrets",
  "keyauth_credentials", "oauth2_credentials", "oauth2_authorization_codes", "oauth2_tokens",
  "acme_storage", "sessions", "session_metadatas", "ratelimiting_metrics",
}) do
  entities.unsupported[name] = true
end

for _, name in ipairs(NAMES) do
  entities.definitions[name] = require("weir.entities." .. name)
  entities.schemas[name] = assert(Schema.new(entities.definitions[name]))
end

local children_of = {}

--- The types that may be nested in entries of `parent`, by name, with the field that refers to the
-- parent.
-- @tparam string parent e.g. "services"
-- @treturn table e.g. { routes = "service", plugins = "service" }, not to be changed
function entities.children_of(parent)
  if children_of[parent] then
    return children_of[parent]
  end
  local children = {}
  for _, name in ipairs(NAMES) do
    for _, item in ipairs(entities.definitions[name].fields) do
      local field, attributes = next(item)
      if attributes.reference == parent then
        children[name] = field
      end
    end
  end
  children_of[parent] = children
  return children
end

return entities
