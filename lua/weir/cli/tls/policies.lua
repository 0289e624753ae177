-- The policies that a declarative file comes to: for each service, and for each of its routes.
local compile = require("weir.compile")
local declarative = require("weir.declarative")
local file = require("weir.source.file")
local fingerprint = require("weir.fingerprint")
local loader = require("weir.loader")
local pdk = require("weir.pdk")
local plugins = require("weir.plugins")
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

-- Which name upstreams of a service are asked for, unless routes pass on the client's, and the
-- first address to ask.
local function upstream_of(service, config)
  for _, upstream in ipairs(config.upstreams) do
    if upstream.name == service.host then
      for _, target in ipairs(config.targets) do
        if target.upstream.id == upstream.id then
          return upstream.host_header or service.host, target.target
        end
      end
      return upstream.host_header or service.host, nil
    end
  end
  local literal = service.host:find(":", 1, true) and "[" .. service.host .. "]" or service.host
  return service.host, ("%s:%d"):format(literal, service.port)
end

local function label_of(entity)
  return entity and (entity.name or entity.id)
end

local function compiled(config, loaded, settings)
  local list = {}
  local builder, err = compile.run(with_services_alone(config), {
    settings = settings,
    plugins = loaded,
    hash = fingerprint.of_text(""):sub(1, 32),
    node_id = "",
    decided = function(route, service, decision, why)
      if service and service.protocol == "https" then
        local host, target = upstream_of(service, config)
        list[#list + 1] = {
          service = label_of(service),
          service_entity = service,
          route = route.id ~= NO_ROUTE and label_of(route) or nil,
          route_entity = route.id ~= NO_ROUTE and route or nil,
          host = host,
          target = target,
          error = why,
          choice = decision and decision.choice,
          fields = decision and decision.fields or {},
          id = decision and tls.policy_id(decision.policy),
          pems = decision and pems_of(decision.fields, config, settings) or {},
        }
      end
    end,
  })
  if not builder then
    return nil, err
  end
  return list
end

local function load_plugins(settings)
  loader.set_path(settings.plugin_path, settings.lua_package_path)
  pdk.install(settings)
  return plugins.load_all(settings.plugins)
end

--- Reads and compiles a declarative file.
-- @tparam string path
-- @tparam table settings
-- @treturn table|nil for each service that is reached over TLS, and each route of one: service,
--   route (names, or ids where there are none; no route: what holds for the service),
--   service_entity, route_entity, host (name to verify), target ("address:port" or nil), and id (of
--   the policy), choice (as for weir.tls.policy), fields = list of { name, value, origin }, pems
--   (its trust bundle); or error, when there can be no policy
-- @treturn nil|table lines that say what is wrong with the file
function policies.load(path, settings)
  local text, name = file.new(path):load()
  if not text then
    return nil, { name }
  end
  local loaded, errors = load_plugins(settings)
  if not loaded then
    return nil, errors
  end
  local config, findings = declarative.load(text, { filename = name, plugins = settings.plugins })
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

--- Finds the policy of a service or route.
-- @tparam table list what load() gave
-- @tparam string service name or id
-- @tparam ?string route name or id; without it, what holds for the service
-- @treturn table|nil
function policies.find(list, service, route)
  local function is(entity, wanted)
    return entity and (entity.name == wanted or entity.id == wanted)
  end
  for _, item in ipairs(list) do
    local route_fits = route and is(item.route_entity, route) or not route and not item.route
    if is(item.service_entity, service) and route_fits then
      return item
    end
  end
  return nil
end

return policies
