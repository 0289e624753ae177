-- From validated entities to the core's snapshot, and to the blob from which workers make their
-- chains.
--
-- All that depends only on the configuration is decided here: per route one plan with the upstream,
-- the verification policy, the phases in which Lua has to be entered, the plugins in their order.
local bit = require("bit")
local Blob = require("weir.compile.blob")
local Builder = require("weir.compile.builder")
local Chains = require("weir.compile.chains")
local Fold = require("weir.compile.fold")
local Targets = require("weir.compile.targets")
local Upstreams = require("weir.compile.upstreams")
local bounds = require("weir.bounds")
local core_settings = require("weir.compile.settings")
local plugins = require("weir.plugins")
local tls = require("weir.tls")

local REWRITE, ACCESS = bit.lshift(1, 0), bit.lshift(1, 1)
local UPSTREAM_VERIFY, BALANCER = bit.lshift(1, 5), bit.lshift(1, 6)
local RESPONSE, CERTIFICATE = bit.lshift(1, 7), bit.lshift(1, 8)

-- What is run before a route is known.
local BEFORE_ROUTE = bit.bor(REWRITE, CERTIFICATE)

-- What is not run without a route.
local WITH_ROUTE = bit.bor(ACCESS, UPSTREAM_VERIFY, BALANCER, RESPONSE)

-- In these no plugin can send a request elsewhere any more. In all others, it is assumed, one may.
local TARGET_IS_SETTLED = bit.bor(bit.lshift(1, 2), bit.lshift(1, 3), bit.lshift(1, 4),
  UPSTREAM_VERIFY)

-- Present for every service that is reached over TLS, configured or not: it reads the service's
-- fields.
local UPSTREAM_TLS = "upstream-tls"

local compile = {}

local Compiler = {}
Compiler.__index = Compiler

-- ---- the plans that belong to no route

-- Plan 0 answers when no route matched. Global plugins see that answer, and what they do before a
-- route is known is done under this plan too; access is not run without a route.
function Compiler:plan_without_route()
  local links = self.chains:select(nil, nil)
  self.builder:plan({ phases = Chains.phases(links, WITH_ROUTE), protocols = { "http", "https" } })
  local content = self.blob.content
  content.chains[0] = self.blob:chain(links)
  content.rewrite = content.chains[0]
  content.plans[0] = {}
end

-- Plan 1 is the Admin API: a handler like any plugin's, on a listener of its own.
function Compiler:plan_admin()
  local plan = self.builder:plan({ phases = ACCESS, protocols = { "http", "https" } })
  local index = self.blob:add({
    id = "admin", name = "admin", module = "weir.admin", conf = {}, phases = ACCESS,
  })
  self.blob.content.chains[plan] = { index }
  self.blob.content.plans[plan] = {}
end

-- ---- routes

-- What may decide about the upstream's policy: the chain, and upstream-tls before it even if
-- nothing configures it for this route.
function Compiler:folding(links, route, service)
  local deciding, has_upstream_tls = {}, false
  local function add(plugin, entity)
    local name = plugin.name
    has_upstream_tls = has_upstream_tls or name == UPSTREAM_TLS
    deciding[#deciding + 1] = {
      plugin = plugin, entity = entity, layers = self.chains:layers(name, route, service),
      configured = self.chains:configures(name),
    }
  end
  for _, link in ipairs(links) do
    if link.plugin.handler.plan then
      add(link.plugin, link.entity)
    end
  end
  if not has_upstream_tls and service and service.protocol == "https" then
    add(self.upstream_tls)
    table.insert(deciding, 1, table.remove(deciding))
  end
  return deciding
end

local function service_fields(plan, service, index)
  plan.upstream = index
  plan.tls = service.protocol == "https"
  plan.retries = service.retries
  plan.connect_timeout = service.connect_timeout
  plan.write_timeout = service.write_timeout
  plan.read_timeout = service.read_timeout
  plan.service_path = service.path
  plan.service_host = service.host
  plan.service_port = service.port
  plan.service_name = service.name
  plan.service_id = service.id
end

function Compiler:report(severity, route, service, text)
  self.problems[#self.problems + 1] = {
    severity = severity,
    message = ("service '%s' (route '%s') %s"):format(service.name or service.id,
      route.name or route.id, text),
  }
end

-- What a plan's plugins have to say about it.
function Compiler:advise(scope, decision)
  local route, service = scope.route, scope.service
  if service.tls_verify and decision.mode == "off" then
    self:report("warning", route, service,
      "asks for tls_verify, but a plugin switches it off: its upstream is not verified")
  end
  for _, text in ipairs(decision.warnings) do
    self:report("warning", route, service, text)
  end
  for _, target in ipairs(scope.targets) do
    local differing = Targets.find(decision.targets, target)
    if differing and differing.error then
      self:report("error", route, service, ("cannot be proxied to at target '%s', which is passed "
        .. "over, or its requests are answered with 502: %s"):format(target.target,
        differing.error))
    end
  end
end

-- How a plan's upstream is verified: sets its policy, or the error that its requests get. A route
-- without a service has no upstream, but a plugin may refuse it, too. Returns what Fold:run() gave.
function Compiler:decide(plan, scope, links)
  local route, service = scope.route, scope.service
  local decision, why = self.fold:run(scope, self:folding(links, route, service))
  self.decided(scope, decision, why)
  plan.error = why
  if why and service then
    plan.error = ("service '%s': %s"):format(service.name or service.id, why)
    self:report("error", route, service,
      "cannot be proxied to, its requests are answered with 502: " .. why)
  elseif decision then
    plan.policy, plan.targets = decision.policy, decision.targets
    self:advise(scope, decision)
    return decision
  end
end

-- The phases of a route's plan. Where plugins are chosen, access says whether one of them looks at
-- the whole response.
local function phases_of(choices, links)
  local phases = Chains.phases(choices or links, BEFORE_ROUTE)
  return choices and bit.band(phases, RESPONSE) ~= 0 and bit.bor(phases, ACCESS) or phases
end

local function need_room()
  local has_room, why = bounds.has_room()
  if not has_room then
    error(why, 0)
  end
end

-- The plan of a route, and its chain.
function Compiler:plan(route, service)
  need_room()
  local links = self.chains:select(route, service)
  local choices = self.chains:choices(route, service)
  local plan = {
    phases = phases_of(choices, links),
    chooses = choices ~= nil,
    protocols = route.protocols,
    strip_path = route.strip_path,
    preserve_host = route.preserve_host,
    https_redirect_status = route.https_redirect_status_code,
    route_name = route.name,
    route_id = route.id,
  }
  local scope = { route = route, service = service }
  if service then
    scope.targets, scope.upstream = self.targets:of(service)
    scope.may_divert = bit.band(plan.phases, bit.bnot(TARGET_IS_SETTLED)) ~= 0
    service_fields(plan, service, self.upstreams:of(service, scope.targets))
  end
  scope.judges, scope.judge_names = self.blob:judges(links)
  plan.judges = scope.judges
  local decision = self:decide(plan, scope, links)
  local chain = self.blob:chain(links)
  local number = self.builder:plan(plan)
  self.blob.content.chains[number] = chain
  self.blob.content.choices[number] = choices and self.blob:choices(choices, route)
  self.blob.content.plans[number] = self.blob:plan(scope, decision, plan.error)
  return number
end

function Compiler:route(route)
  local service = route.service and self.config.by_id.services[route.service.id]
  if service and service.enabled == false then
    return
  end
  self.builder:route({
    id = route.id,
    plan = self:plan(route, service),
    hosts = route.hosts,
    paths = route.paths,
    methods = route.methods,
    snis = route.snis,
    headers = route.headers,
    regex_priority = route.regex_priority,
  })
end

-- What would hold for a service's upstream if it had a route, for the Admin API.
function Compiler:service_without_route(service)
  need_room()
  local scope = { service = service }
  scope.targets, scope.upstream = self.targets:of(service)
  local links = self.chains:select(nil, service)
  scope.judges, scope.judge_names = self.blob:judges(links)
  local decision, why = self.fold:run(scope, self:folding(links, nil, service))
  self.blob.content.services[service.id] = self.blob:plan(scope, decision, why)
end

function Compiler:services_without_routes()
  local has_route = {}
  for _, route in ipairs(self.config.routes) do
    if route.service then
      has_route[route.service.id] = true
    end
  end
  for _, service in ipairs(self.config.services) do
    if not has_route[service.id] and service.enabled ~= false then
      self:service_without_route(service)
    end
  end
end

-- ---- certificates of listeners

local function read_file(path)
  local file, err = io.open(path, "rb")
  if not file then
    error(err, 0)
  end
  local text = file:read("*a")
  file:close()
  return text
end

-- Kong's `ssl_cert` and `ssl_cert_key`: shown to clients that ask for no name, or for one without a
-- certificate.
function Compiler:default_certificates(settings)
  for i, cert in ipairs(settings.ssl_cert) do
    local credential, err = tls.credential(read_file(cert), read_file(settings.ssl_cert_key[i]))
    if not credential then
      error(("%s: %s"):format(cert, err), 0)
    end
    self.builder:certificate("*", credential)
  end
end

function Compiler:certificates()
  local credentials = {}
  for _, sni in ipairs(self.config.snis) do
    local id = sni.certificate.id
    if not credentials[id] then
      local entity = self.config.by_id.certificates[id]
      local credential, err = tls.credential(entity.cert, entity.key)
      if not credential then
        error(("certificate '%s': %s"):format(id, err), 0)
      end
      credentials[id] = credential
    end
    self.builder:certificate(sni.name, credentials[id])
  end
end

-- A listener without any certificate can only close what clients open.
function Compiler:advise_on_listeners(settings)
  if #settings.ssl_cert > 0 or #self.config.snis > 0 then
    return
  end
  for _, listener in ipairs(settings.proxy_listen) do
    if listener.ssl then
      table.insert(self.problems, { severity = "warning", message =
        "proxy_listen: there is no certificate to show where the flag is ssl, so that no client "
          .. "can connect there; set ssl_cert and ssl_cert_key, or give certificates snis" })
      return
    end
  end
end

-- ---- all of it

function Compiler:run(settings, hash, packer)
  self.builder:settings(core_settings.of(settings))
  self:default_certificates(settings)
  self:certificates()
  self:advise_on_listeners(settings)
  local problem = self.chains:problem()
  if problem then
    error(problem, 0)
  end
  self:plan_without_route()
  self:plan_admin()
  for _, route in ipairs(self.config.routes) do
    self:route(route)
  end
  self:services_without_routes()
  self.blob:encode(self.builder, packer)
  self.builder:hash(hash)
end

--- Compiles a configuration.
-- @tparam table config validated entities (weir.declarative)
-- @tparam table options settings (weir.settings), plugins (what plugins.load_all() gave), hash
-- (configuration_hash), node_id, decided(scope, decision, why): called for each route with { route,
-- service, upstream, targets } and with what Fold:run() gave; packer (weir.db.packer), if it has
-- entities that are not in `config`, and the builder that it writes to
-- @treturn table|nil a weir.compile.builder, ready to publish
-- @treturn table|string with a builder: what to know about plans, a list of { severity = "error" or
-- "warning", message }; without: why there is none
function compile.run(config, options)
  local upstream_tls, err = plugins.load(UPSTREAM_TLS)
  if not upstream_tls then
    return nil, err
  end
  local builder = options.builder or Builder.new()
  local self = setmetatable({
    config = config,
    builder = builder,
    fold = Fold.new(config, options.settings),
    upstream_tls = upstream_tls,
    problems = {},
    decided = options.decided or function() end,
  }, Compiler)
  local ok, why = pcall(function()
    self.chains = Chains.new(config.plugins, options.plugins)
    self.blob = Blob.new(config, core_settings.for_plugins(options.settings, options.node_id),
      self.chains)
    self.targets = Targets.new(config)
    self.upstreams = Upstreams.new(builder, config, self.targets)
    self:run(options.settings, options.hash, options.packer)
  end)
  if not ok then
    return nil, tostring(why)
  end
  return builder, self.problems
end

return compile
