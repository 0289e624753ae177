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

-- The place of a configuration in the index of its plugin.
local function scope_key(route_id, service_id)
  return (route_id or "") .. "/" .. (service_id or "")
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
      of_plugin[scope_key(id_of(entity.route), id_of(entity.service))] = entity
    end
  end
  return setmetatable({ scopes = scopes, loaded = loaded }, Chains)
end

--- The configuration of one plugin for a route and its service (either may be nil).
-- @treturn table|nil the `plugins` entity
function Chains:find(name, route, service)
  local of_plugin = self.scopes[name]
  if not of_plugin then
    return nil
  end
  local route_id, service_id = id_of(route), id_of(service)
  local entity = route_id and service_id and of_plugin[scope_key(route_id, service_id)]
    or route_id and of_plugin[scope_key(route_id, nil)]
    or service_id and of_plugin[scope_key(nil, service_id)]
    or of_plugin[scope_key(nil, nil)]
  if not entity then
    return nil
  end
  if route then
    local wanted = {}
    for _, protocol in ipairs(route.protocols or { "http", "https" }) do
      wanted[protocol] = true
    end
    if not any_in(entity.protocols, wanted) then
      return nil
    end
  end
  return entity
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
