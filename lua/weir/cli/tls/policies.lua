-- The policies that a declarative file comes to: for each service, and for each of its routes.
local compile = require("weir.compile")
local Targets = require("weir.compile.targets")
local declarative = require("weir.declarative")
local enabled = require("weir.plugins.enabled")
local file = require("weir.source.file")
local fingerprint = require("weir.crypto.fingerprint")
local system_cas = require("weir.compile.system_cas")
local tls = require("weir.tls")

local policies = {}

-- Stands for "no route in particular": what a service's routes have unless they say otherwise.
local NO_ROUTE = "-"

-- Adds a route to each service, so that the compiler decides about the service itself.
local function with_services_alone(config)
  local routes = {}
  for i, route in ipairs(config.routes) do
    routes[i] = route
  end
  for _, service in ipairs(config.services) do
    routes[#routes + 1] = {
      id = NO_ROUTE, paths = { "/" }, protocols = { "http", "https" },
      service = { id = service.id },
    }
  end
  return setmetatable({ routes = routes }, { __index = config })
end

-- What the `value` of a field means that names CA certificates: the PEM texts.
local function pems_of(fields, config, settings)
  local pems = {}
  for _, field in ipairs(fields) do
    if field.name == "ca_certificates" and type(field.value) == "table" then
      for _, id in ipairs(field.value) do
        local entity = config.by_id.ca_certificates[id]
        pems[#pems + 1] = entity and entity.cert
      end
    elseif field.name == "system_cas" and field.value == true then
      pems[#pems + 1] = system_cas.read(settings.tls_system_cas)
    end
  end
  return pems
end

local function label_of(entity)
  return entity and (entity.name or entity.id)
end

-- What an item of load() has of a decision, or of what was decided for a target.
local function add_policy(item, decision, config, settings)
  item.error = decision.error
  item.choice = decision.choice
  item.fields = decision.fields or {}
  item.id = decision.policy and tls.policy_id(decision.policy)
  item.pems = pems_of(item.fields, config, settings)
  return item
end

-- The exact names that clients of routes may ask for, which are the upstream's where all of the
-- routes preserve them. Nil: not all do.
local function client_hosts(routes)
  local hosts = {}
  for _, route in ipairs(routes) do
    if not route.preserve_host then
      return nil
    end
    for _, name in ipairs(route.hosts or {}) do
      if not name:find("*", 1, true) then
        hosts[#hosts + 1] = name
      end
    end
  end
  return routes[1] and hosts
end

local function routes_of(service, config)
  local routes = {}
  for _, route in ipairs(config.routes) do
    if route.service and route.service.id == service.id then
      routes[#routes + 1] = route
    end
  end
  return routes
end

local function item_of(scope, config)
  local route = scope.route.id ~= NO_ROUTE and scope.route or nil
  return {
    service = label_of(scope.service),
    service_entity = scope.service,
    route = label_of(route),
    route_entity = route,
    host_header = scope.upstream and scope.upstream.host_header,
    client_hosts = client_hosts(route and { route } or routes_of(scope.service, config)),
  }
end

-- Items for one plan: what holds for its upstream, and for each target that differs.
local function add_items(list, scope, decision, config, settings)
  local item = add_policy(item_of(scope, config), decision, config, settings)
  item.targets = scope.targets
  list[#list + 1] = item
  for _, target in ipairs(scope.targets) do
    local differing = Targets.find(decision.targets or {}, target)
    if differing then
      local own = add_policy(item_of(scope, config), differing, config, settings)
      own.target, own.targets = target.target, { target }
      list[#list + 1] = own
    end
  end
end

local function compiled(config, loaded, settings)
  local list = {}
  local builder, err = compile.run(with_services_alone(config), {
    settings = settings,
    plugins = loaded,
    hash = fingerprint.of_text(""):sub(1, 32),
    node_id = "",
    decided = function(scope, decision, why)
      if scope.service and scope.service.protocol == "https" then
        add_items(list, scope, decision or { error = why }, config, settings)
      end
    end,
  })
  if not builder then
    return nil, err
  end
  return list
end

--- Reads and compiles a declarative file.
-- @tparam string path
-- @tparam table settings
-- @treturn table|nil for each service that is reached over TLS, and each route of one, what holds
--   for its upstream, followed by what holds for each target that differs: service, route (names,
--   or ids where there are none; no route: what holds for the service), service_entity,
--   route_entity, target ("HOST:PORT"; nil: what holds for the others), targets (of
--   weir.compile.targets), host_header (of the upstream), client_hosts (hosts without wildcards of
--   the route, or of all the service's, if they preserve them), and id (of the policy), choice (as
--   for weir.tls.policy), fields = list of { name, value, origin }, pems (its trust bundle); or
--   error, when there can be no policy
-- @treturn nil|table lines that say what is wrong with the file
function policies.load(path, settings)
  local text, name = file.new(path):load()
  if not text then
    return nil, { name }
  end
  local loaded, errors = enabled.load(settings)
  if not loaded then
    return nil, errors
  end
  local config, findings = declarative.load(text, {
    filename = name, plugins = settings.plugins, settings = settings,
  })
  if not config then
    local lines = {}
    for i, finding in ipairs(findings.errors) do
      lines[i] = declarative.format(finding, name)
    end
    return nil, lines
  end
  local list, err = compiled(config, loaded, settings)
  if not list then
    return nil, { ("%s: %s"):format(name, err) }
  end
  return list
end

local function is(entity, wanted)
  return entity and (entity.name == wanted or entity.id == wanted)
end

--- Finds what holds for a service or route, or for one of its targets.
-- @tparam table list what load() gave
-- @tparam string service name or id
-- @tparam ?string route name or id; without it, what holds for the service
-- @tparam ?table target of weir.compile.targets, or { canonical, port }
-- @treturn table|nil
function policies.find(list, service, route, target)
  local found
  for _, item in ipairs(list) do
    local route_fits = route and is(item.route_entity, route) or not route and not item.route
    if is(item.service_entity, service) and route_fits then
      if target and item.target and Targets.find(item.targets, target) then
        return item
      end
      found = found or item
    end
  end
  return found
end

return policies
