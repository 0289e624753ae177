-- Upstreams and targets for the builder: those of the configuration, and one with a single target
-- for each host and port of a service that names none of them.
local host = require("weir.host")

local DEFAULT_PORT = 8000
local DEFAULT_WEIGHT = 100

local Upstreams = {}
Upstreams.__index = Upstreams

local function targets_by_upstream(targets)
  local by_upstream = {}
  for _, target in ipairs(targets) do
    local id = target.upstream.id
    by_upstream[id] = by_upstream[id] or {}
    table.insert(by_upstream[id], target)
  end
  return by_upstream
end

local function add_target(builder, index, target)
  local parsed, err = host.parse(target.target)
  if not parsed then
    error(("target '%s': %s"):format(target.target, err), 0)
  end
  builder:target(index, parsed.host, parsed.port or DEFAULT_PORT, target.weight or DEFAULT_WEIGHT)
end

--- Adds the configuration's upstreams.
-- @tparam table builder weir.builder
-- @tparam table config validated entities
function Upstreams.new(builder, config)
  local self = setmetatable({ builder = builder, named = {}, implicit = {} }, Upstreams)
  local by_upstream = targets_by_upstream(config.targets)
  for _, entity in ipairs(config.upstreams) do
    local index = builder:upstream(entity.name, entity.host_header)
    for _, target in ipairs(by_upstream[entity.id] or {}) do
      add_target(builder, index, target)
    end
    self.named[entity.name] = { index = index, entity = entity }
  end
  return self
end

--- The upstream of a service.
-- @treturn number its index
-- @treturn table|nil the `upstreams` entity, when the service's host is the name of one
function Upstreams:of(service)
  local named = self.named[service.host]
  if named then
    return named.index, named.entity
  end
  local key = service.host .. "|" .. service.port
  local index = self.implicit[key]
  if not index then
    index = self.builder:service_host(service.host)
    self.builder:target(index, service.host, service.port, DEFAULT_WEIGHT)
    self.implicit[key] = index
  end
  return index, nil
end

return Upstreams
