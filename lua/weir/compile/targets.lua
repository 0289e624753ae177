-- Where the requests of services go: the targets of the upstream that a service names, or its own
-- host and port.
local host = require("weir.text.host")

local DEFAULT_PORT = 8000
local DEFAULT_WEIGHT = 100

local Targets = {}
Targets.__index = Targets

local function target(name, port, weight)
  return {
    target = host.format(name, port), host = name, port = port, weight = weight,
    canonical = host.canonical(name),
  }
end

local function of_entity(entity)
  local parsed, err = host.parse(entity.target)
  if not parsed then
    error(("target '%s': %s"):format(entity.target, err), 0)
  end
  return target(parsed.host, parsed.port or DEFAULT_PORT, entity.weight or DEFAULT_WEIGHT)
end

--- Indexes the upstreams of a configuration.
-- @tparam table config validated entities
-- Raises a string when a target cannot be read.
function Targets.new(config)
  local by_name, by_id = {}, {}
  for _, entity in ipairs(config.upstreams) do
    by_id[entity.id] = {}
    by_name[entity.name] = { entity = entity, targets = by_id[entity.id] }
  end
  for _, entity in ipairs(config.targets) do
    table.insert(by_id[entity.upstream.id], of_entity(entity))
  end
  return setmetatable({ by_name = by_name }, Targets)
end

--- The targets of an upstream.
-- @tparam string name
-- @treturn table|nil list of { target = "HOST:PORT", host, port, weight, canonical = the one
-- spelling of the host }
-- @treturn table|nil the `upstreams` entity
function Targets:of_upstream(name)
  local found = self.by_name[name]
  if found then
    return found.targets, found.entity
  end
end

--- The targets of a service.
-- @treturn table list, as of_upstream() has it
-- @treturn table|nil the `upstreams` entity, when the service's host is the name of one
function Targets:of(service)
  local targets, entity = self:of_upstream(service.host)
  if targets then
    return targets, entity
  end
  return { target(service.host, service.port, DEFAULT_WEIGHT) }, nil
end

--- What a list says about a target: an item for its host and port, else one for its host.
-- @tparam table list of { canonical, port = number or nil, … }
-- @tparam table wanted { canonical, port }
-- @treturn table|nil
function Targets.find(list, wanted)
  local any_port
  for _, item in ipairs(list) do
    if item.canonical == wanted.canonical then
      if item.port == wanted.port then
        return item
      elseif not item.port then
        any_port = item
      end
    end
  end
  return any_port
end

return Targets
