-- Upstreams and targets for the builder: those of the configuration, and one with a single target
-- for each host and port of a service that names none of them.

local Upstreams = {}
Upstreams.__index = Upstreams

local function add_targets(builder, index, targets)
  for _, target in ipairs(targets) do
    builder:target(index, target.host, target.port, target.weight)
  end
end

--- Adds the configuration's upstreams.
-- @tparam table builder weir.compile.builder
-- @tparam table config validated entities
-- @tparam table targets weir.compile.targets of it
function Upstreams.new(builder, config, targets)
  local self = setmetatable({ builder = builder, named = {}, implicit = {} }, Upstreams)
  for _, entity in ipairs(config.upstreams) do
    local index = builder:upstream(entity.name, entity.host_header)
    add_targets(builder, index, (targets:of_upstream(entity.name)))
    self.named[entity.name] = index
  end
  return self
end

--- The upstream of a service.
-- @tparam table service
-- @tparam table targets of the service (weir.compile.targets)
-- @treturn number its index
function Upstreams:of(service, targets)
  if self.named[service.host] then
    return self.named[service.host]
  end
  local key = service.host .. "|" .. service.port
  local index = self.implicit[key]
  if not index then
    index = self.builder:service_host(service.host)
    add_targets(self.builder, index, targets)
    self.implicit[key] = index
  end
  return index
end

return Upstreams
