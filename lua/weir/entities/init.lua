-- The entity types of declarative files: those of the gateway, and those that plugins bring.
--
-- A plugin's daos.lua is a list of definitions in Kong's shape (name, primary_key, endpoint_key,
-- cache_key, fields, …), or has them by their names. `dao` of one names a module with functions of
-- the plugin's own for kong.db (weir.db.dao). A model is what results for a set of plugins:
-- { names, definitions, schemas, children_of() }.
local Schema = require("weir.schema")
local failure = require("weir.runner.failure")
local typedefs = require("weir.schema.typedefs")

-- Referenced types come before those that refer to them: ids and names are resolved in this order.
-- Vaults come first, since references to secrets may be anywhere.
local NAMES = {
  "vaults", "certificates", "ca_certificates", "services", "upstreams", "routes", "consumers",
  "plugins", "targets", "snis",
}

local IN_TABLES = {}
for _, name in ipairs(NAMES) do
  IN_TABLES[name] = name ~= "consumers"
end

local Model = {}
Model.__index = Model

local entities = {
  -- Kong's other types, to tell "not yet" from a typing error.
  unsupported = {},
}

for _, name in ipairs({
  "consumer_groups", "keys", "key_sets", "filter_chains", "workspaces", "parameters",
  "oauth2_credentials", "oauth2_authorization_codes", "oauth2_tokens", "acme_storage", "sessions",
  "session_metadatas", "ratelimiting_metrics",
}) do
  entities.unsupported[name] = true
end

-- Types of plugins that ship with Kong, to say whose they are where that plugin is not enabled.
entities.owners = {
  acls = "acl", basicauth_credentials = "basic-auth", hmacauth_credentials = "hmac-auth",
  jwt_secrets = "jwt", keyauth_credentials = "key-auth",
}

local function new_model()
  return setmetatable({
    names = {}, definitions = {}, schemas = {}, children = {}, links = {}, unique = {},
  }, Model)
end

-- What weir.declarative asks of each entity of a type, of which there may be very many.
local function summary_of(definition)
  local links, unique = {}, {}
  for _, item in ipairs(definition.fields) do
    local field, def = next(item)
    local listed = def.elements and def.elements.refers_to
    if listed or def.reference then
      links[#links + 1] = {
        field = field, entity = listed or def.reference, listed = listed ~= nil,
      }
    end
    if def.unique or def.unique_across_ws then
      unique[#unique + 1] = field
    end
  end
  return links, unique
end

function Model:add(definition, schema)
  local name = definition.name
  self.names[#self.names + 1] = name
  self.definitions[name], self.schemas[name] = definition, schema
  self.links[name], self.unique[name] = summary_of(definition)
end

--- The fields of a type that refer to entities.
-- @tparam string name the type
-- @treturn table list of { field, entity = the type referred to, listed = whether the field is a
-- list of ids }, not to be changed
function Model:links_of(name)
  return self.links[name]
end

--- The types of which there may be very many: consumers and what plugins bring. Workers have them
-- in one packed text (weir.db.packed), the others in tables.
-- @treturn table list of definitions
function Model:packed()
  local list = {}
  for _, name in ipairs(self.names) do
    if self:is_packed(name) then
      list[#list + 1] = self.definitions[name]
    end
  end
  return list
end

--- Whether a type is one of those.
-- @tparam string name
-- @treturn boolean
function Model:is_packed(name)
  return not IN_TABLES[name]
end

--- The fields of a type whose values no two entities have alike.
-- @tparam string name the type
-- @treturn table list of names, not to be changed
function Model:unique_of(name)
  return self.unique[name]
end

--- The types that may be nested in entries of `parent`, by name, with the field that refers to the
-- parent.
-- @tparam string parent e.g. "services"
-- @treturn table e.g. { routes = "service", plugins = "service" }, not to be changed
function Model:children_of(parent)
  local children = self.children[parent]
  if children then
    return children
  end
  children = {}
  for _, name in ipairs(self.names) do
    for _, item in ipairs(self.definitions[name].fields) do
      local field, attributes = next(item)
      if attributes.reference == parent then
        children[name] = field
      end
    end
  end
  self.children[parent] = children
  return children
end

local base = new_model()
for _, name in ipairs(NAMES) do
  local definition = require("weir.entities." .. name)
  base:add(definition, assert(Schema.new(definition)))
end

-- ---- what plugins bring

-- A type with `ttl` has a field of that name, which no daos.lua lists.
local function with_ttl(definition)
  if not definition.ttl then
    return definition
  end
  local copy = {}
  for key, value in pairs(definition) do
    copy[key] = value
  end
  copy.fields = { unpack(definition.fields) }
  table.insert(copy.fields, { ttl = typedefs.ttl })
  return copy
end

local function compile_dao(dao)
  if type(dao) ~= "table" or type(dao.name) ~= "string" or type(dao.fields) ~= "table" then
    error("its daos are no list of definitions with name and fields", 0)
  end
  local definition = with_ttl(dao)
  local schema, err = Schema.new(definition)
  if not schema then
    error(err, 0)
  end
  return { definition = definition, schema = schema }
end

-- The module of a definition has to be there before a worker needs it.
local function load_methods(definition)
  local module = definition.dao
  if module == nil then
    return
  end
  local ok, methods = failure.call(require, module)
  if ok and type(methods) ~= "table" then
    methods = ("%s is no table of functions"):format(tostring(module))
  elseif ok then
    return
  end
  error(("%s: dao: %s"):format(definition.name, tostring(methods)), 0)
end

-- Puts definitions behind those that they refer to.
local function by_reference(compiled)
  local list, by_name, placed = {}, {}, {}
  local function place(dao)
    if not dao or placed[dao] then
      return
    end
    placed[dao] = true
    for _, item in ipairs(dao.definition.fields) do
      local _, def = next(item)
      place(by_name[def.reference or ""])
    end
    list[#list + 1] = dao
  end
  for _, dao in ipairs(compiled) do
    by_name[dao.definition.name] = dao
  end
  for _, dao in ipairs(compiled) do
    place(dao)
  end
  return list
end

local function compile_daos(daos)
  local compiled, is_list = {}, daos[1] ~= nil
  for _, dao in (is_list and ipairs or pairs)(daos) do
    compiled[#compiled + 1] = compile_dao(dao)
    load_methods(compiled[#compiled].definition)
  end
  if not is_list then
    table.sort(compiled, function(a, b) return a.definition.name < b.definition.name end)
  end
  return by_reference(compiled)
end

local function load_daos(plugin)
  local module = "kong.plugins." .. plugin .. ".daos"
  local ok, daos = failure.call(require, module)
  if not ok then
    if tostring(daos):find(("module '%s' not found"):format(module), 1, true) == 1 then
      return {}
    end
    error(daos, 0)
  elseif type(daos) ~= "table" then
    error("its daos are no list of definitions with name and fields", 0)
  end
  return compile_daos(daos)
end

-- Plugin -> { what daos() returns }, also where there is no daos.lua: as all code of plugins, it is
-- loaded once. Of a module that failed once, Lua forgets why.
local daos_of = {}

--- The entity types that a plugin brings.
-- @tparam string plugin
-- @treturn table|nil list of { definition, schema }, empty for a plugin without any
-- @treturn nil|string what is wrong with its daos.lua
function entities.daos(plugin)
  if not daos_of[plugin] then
    local ok, daos = pcall(load_daos, plugin)
    daos_of[plugin] = ok and { daos } or {
      nil, ("the entities of plugin '%s' cannot be loaded: %s"):format(plugin, tostring(daos)),
    }
  end
  return daos_of[plugin][1], daos_of[plugin][2]
end

-- What is wrong with the references of types that plugins bring, as texts.
local function check_references(model, errors)
  for _, name in ipairs(model.names) do
    for _, item in ipairs(model.definitions[name].fields) do
      local field, def = next(item)
      if def.reference and not model.definitions[def.reference] then
        errors[#errors + 1] = ("%s.%s: schema refers to an invalid foreign entity: %s")
          :format(name, field, def.reference)
      end
    end
  end
end

--- The model for a set of plugins.
-- @tparam table plugins names
-- @treturn Model
-- @treturn table texts of what is wrong with the entities of plugins, one for each that is left out
function entities.model(plugins)
  local model, errors = new_model(), {}
  for _, name in ipairs(base.names) do
    model:add(base.definitions[name], base.schemas[name])
  end
  for _, plugin in ipairs(plugins) do
    local daos, err = entities.daos(plugin)
    errors[#errors + 1] = err
    for _, dao in ipairs(daos or {}) do
      local name = dao.definition.name
      if model.definitions[name] then
        errors[#errors + 1] = ("plugin '%s' brings entities called '%s', which there are already")
          :format(plugin, name)
      else
        model:add(dao.definition, dao.schema)
      end
    end
  end
  check_references(model, errors)
  return model, errors
end

--- The model without plugins.
entities.base = base

return entities
