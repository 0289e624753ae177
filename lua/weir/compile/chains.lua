-- Which configuration of which plugin applies where.
--
-- Of each plugin at most one configuration applies to a request: the most specific of route and
-- service, route, service, global. Plugins run in the order in which they were loaded
-- (weir.plugins).
local bit = require("bit")

local Chains = {}
Chains.__index = Chains

local HTTP = { http = true, https = true }

local function id_of(reference)
  return reference and reference.id
end

-- Stands for no route and no service in the index of a plugin: route -> service -> configuration.
local NONE = ""

local function put(of_plugin, route_id, service_id, entity)
  local of_route = of_plugin[route_id or NONE] or {}
  of_plugin[route_id or NONE] = of_route
  of_route[service_id or NONE] = entity
end

local function get(of_plugin, route_id, service_id)
  local of_route = of_plugin[route_id or NONE]
  return of_route and of_route[service_id or NONE]
end

local function any_in(protocols, wanted)
  for _, protocol in ipairs(protocols or {}) do
    if wanted[protocol] then
      return true
    end
  end
  return protocols == nil
end

--- Indexes the configurations.
-- @tparam table entities the `plugins` entities
-- @tparam table loaded what plugins.load_all() gave
function Chains.new(entities, loaded)
  local scopes = {}
  for _, entity in ipairs(entities) do
    if entity.enabled ~= false and any_in(entity.protocols, HTTP) then
      local of_plugin = scopes[entity.name] or {}
      scopes[entity.name] = of_plugin
      put(of_plugin, id_of(entity.route), id_of(entity.service), entity)
    end
  end
  return setmetatable({ scopes = scopes, loaded = loaded }, Chains)
end

local function fits(entity, route)
  if not route then
    return true
  end
  local wanted = {}
  for _, protocol in ipairs(route.protocols or { "http", "https" }) do
    wanted[protocol] = true
  end
  return any_in(entity.protocols, wanted)
end

local function add(found, scope, entity)
  if entity then
    found[#found + 1] = { entity = entity, scope = scope }
  end
end

-- All configurations of one plugin for a route and its service, the most specific first, whatever
-- their protocols.
local function scoped(of_plugin, route, service)
  local route_id, service_id = id_of(route), id_of(service)
  local found = {}
  add(found, "route and service", route_id and service_id
    and get(of_plugin, route_id, service_id))
  add(found, "route", route_id and get(of_plugin, route_id, nil))
  add(found, "service", service_id and get(of_plugin, nil, service_id))
  add(found, "global", get(of_plugin, nil, nil))
  return found
end

--- All configurations of one plugin that apply to a route and its service (either may be nil).
-- @treturn table list of { entity = the `plugins` entity, scope = "route and service", "route",
-- "service" or "global" }, the most specific first
function Chains:layers(name, route, service)
  local layers = {}
  for _, layer in ipairs(scoped(self.scopes[name] or {}, route, service)) do
    if fits(layer.entity, route) then
      layers[#layers + 1] = layer
    end
  end
  return layers
end

--- Whether there is any configuration of a plugin, wherever it applies.
function Chains:configures(name)
  return self.scopes[name] ~= nil
end

--- The one configuration of a plugin that counts for a route and its service.
-- @treturn table|nil the `plugins` entity
function Chains:find(name, route, service)
  local of_plugin = self.scopes[name]
  local first = of_plugin and scoped(of_plugin, route, service)[1]
  return first and fits(first.entity, route) and first.entity or nil
end

--- All that applies to a route and its service, in the order of execution.
-- @treturn table list of { plugin = loaded plugin, entity = the `plugins` entity }
function Chains:select(route, service)
  local chain = {}
  for _, plugin in ipairs(self.loaded) do
    local entity = self:find(plugin.name, route, service)
    if entity then
      chain[#chain + 1] = { plugin = plugin, entity = entity }
    end
  end
  return chain
end

--- The phases in which a chain has something to run.
-- @tparam table chain what select() gave
-- @tparam number but phases left out
-- @treturn number bits of WEIR_PHASE_…
function Chains.phases(chain, but)
  local bits = 0
  for _, link in ipairs(chain) do
    bits = bit.bor(bits, link.plugin.phases)
  end
  return bit.band(bits, bit.bnot(but))
end

return Chains
