-- Which configuration of which plugin applies where.
--
-- Of each plugin at most one configuration applies to a request, the most specific of: route,
-- service and consumer; route and consumer; service and consumer; route and service; consumer;
-- route; service; global. Routes and services are known here, consumers are not: for these there is
-- the list of what they may have (Chains:choices). Plugins run in the order in which they were
-- loaded (weir.plugins).
local bit = require("bit")
local plugins = require("weir.plugins")

local Chains = {}
Chains.__index = Chains

local HTTP = { http = true, https = true }

local function id_of(reference)
  return reference and reference.id
end

-- Stands for no route and no service in the index of a plugin: route -> service -> { entity = the
-- configuration for everybody, consumers = { [id] = configuration } }.
local NONE = ""

local function put(of_plugin, entity)
  local route_id, service_id = id_of(entity.route) or NONE, id_of(entity.service) or NONE
  local of_route = of_plugin[route_id] or {}
  of_plugin[route_id] = of_route
  local place = of_route[service_id] or {}
  of_route[service_id] = place
  if entity.consumer then
    place.consumers = place.consumers or {}
    place.consumers[entity.consumer.id] = entity
  else
    place.entity = entity
  end
end

local NOWHERE = {}

local function get(of_plugin, route_id, service_id)
  local of_route = of_plugin[route_id or NONE]
  return of_route and of_route[service_id or NONE] or NOWHERE
end

local function any_in(protocols, wanted)
  for _, protocol in ipairs(protocols or {}) do
    if wanted[protocol] then
      return true
    end
  end
  return protocols == nil
end

-- The phases that a configuration needs, as bits.
local function needed_by(entity, plugin)
  local bits, why = plugins.phases_of(plugin, entity.config or {})
  if not bits then
    error(("plugins: '%s' (%s): its phases() %s"):format(entity.name, entity.id, why), 0)
  end
  return bits
end

--- Indexes the configurations.
-- @tparam table entities the `plugins` entities
-- @tparam table loaded what plugins.load_all() gave
-- @raise what is wrong with the phases() of a handler
function Chains.new(entities, loaded)
  local scopes, consumers_of, needed, by_name = {}, {}, {}, {}
  for _, plugin in ipairs(loaded) do
    by_name[plugin.name] = plugin
  end
  for _, entity in ipairs(entities) do
    if entity.enabled ~= false and any_in(entity.protocols, HTTP) then
      local of_plugin = scopes[entity.name] or {}
      scopes[entity.name] = of_plugin
      put(of_plugin, entity)
      consumers_of[entity.name] = consumers_of[entity.name] or id_of(entity.consumer)
      needed[entity] = by_name[entity.name] and needed_by(entity, by_name[entity.name])
    end
  end
  return setmetatable({
    scopes = scopes,
    consumers_of = consumers_of,
    loaded = loaded,
    needed = needed,
    needed_by_any = {}, -- map of consumers' entities -> the phases that any of them needs
  }, Chains)
end

--- The phases that a configuration needs.
-- @tparam table entity of `plugins`
-- @treturn number bits of WEIR_PHASE_…
function Chains:needs(entity)
  return self.needed[entity]
end

--- The protocols of a route as a set.
function Chains.protocols(route)
  local set = {}
  for _, protocol in ipairs(route.protocols or { "http", "https" }) do
    set[protocol] = true
  end
  return set
end

--- Whether a configuration and a route (or nil) have a protocol in common.
function Chains.fits(entity, route)
  return not route or any_in(entity.protocols, Chains.protocols(route))
end

local fits = Chains.fits

local function add(found, scope, place)
  if place and place.entity then
    found[#found + 1] = { entity = place.entity, scope = scope }
  end
end

-- All configurations of one plugin for a route and its service and every consumer, the most
-- specific first, whatever their protocols.
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
-- @treturn table list of { plugin = loaded plugin, entity = the `plugins` entity, phases = bits of
-- those that it needs }
function Chains:select(route, service)
  local chain = {}
  for _, plugin in ipairs(self.loaded) do
    local entity = self:find(plugin.name, route, service)
    if entity then
      chain[#chain + 1] = { plugin = plugin, entity = entity, phases = self:needs(entity) }
    end
  end
  return chain
end

-- What consumers have of one plugin on a route and its service: maps of consumers, the most
-- specific first, as far as no configuration for everybody counts before them.
local function consumer_maps(of_plugin, route, service)
  local route_id, service_id = id_of(route), id_of(service)
  local maps = {}
  local function add_map(place)
    maps[#maps + 1] = place.consumers
  end
  if route_id and service_id then
    add_map(get(of_plugin, route_id, service_id))
  end
  if route_id then
    add_map(get(of_plugin, route_id, nil))
  end
  if service_id then
    add_map(get(of_plugin, nil, service_id))
  end
  if not (route_id and service_id and get(of_plugin, route_id, service_id).entity) then
    add_map(get(of_plugin, nil, nil))
  end
  return maps
end

-- The phases that any of a map of consumers' configurations needs.
function Chains:needs_of_consumers(entities)
  local bits = self.needed_by_any[entities]
  if not bits then
    bits = 0
    for _, entity in pairs(entities) do
      bits = bit.bor(bits, self:needs(entity))
    end
    self.needed_by_any[entities] = bits
  end
  return bits
end

-- The phases that any configuration of a choice needs.
function Chains:needs_of_choice(entity, maps)
  local bits = entity and self:needs(entity) or 0
  for _, entities in ipairs(maps) do
    bits = bit.bor(bits, self:needs_of_consumers(entities))
  end
  return bits
end

--- Like select(), for a route where consumers have configurations of their own.
-- @treturn table|nil list of { plugin, entity = the one for everybody (may be nil), consumers =
-- maps of consumer id -> entity, the first that has the consumer counts, phases = bits of those
-- that any of them needs }; nil where consumers make no difference
function Chains:choices(route, service)
  if next(self.consumers_of) == nil then
    return nil
  end
  local choices, differ = {}, false
  for _, plugin in ipairs(self.loaded) do
    local maps = self.consumers_of[plugin.name]
      and consumer_maps(self.scopes[plugin.name], route, service) or NOWHERE
    local entity = self:find(plugin.name, route, service)
    differ = differ or maps[1] ~= nil
    if entity or maps[1] then
      choices[#choices + 1] = {
        plugin = plugin, entity = entity, consumers = maps,
        phases = self:needs_of_choice(entity, maps),
      }
    end
  end
  return differ and choices or nil
end

-- What a plugin decides about upstreams belongs to the route's policy, which is made before anybody
-- knows the consumer.
local BEFORE_CONSUMERS = { "plan", "upstream_verify" }

--- Finds a configuration that cannot do what it is there for.
-- @treturn string|nil what is wrong
function Chains:problem()
  for _, plugin in ipairs(self.loaded) do
    for _, what in ipairs(BEFORE_CONSUMERS) do
      if plugin.handler[what] and self.consumers_of[plugin.name] then
        return ("plugins: '%s' of consumer '%s': the plugin implements `%s`, which is decided for "
          .. "all of a route's requests; configure it for the route, the service or all")
          :format(plugin.name, self.consumers_of[plugin.name], what)
      end
    end
  end
end

--- The phases in which a chain has something to run.
-- @tparam table chain what select() or choices() gave
-- @tparam number but phases left out
-- @treturn number bits of WEIR_PHASE_…
function Chains.phases(chain, but)
  local bits = 0
  for _, link in ipairs(chain) do
    bits = bit.bor(bits, link.phases)
  end
  return bit.band(bits, bit.bnot(but))
end

return Chains
