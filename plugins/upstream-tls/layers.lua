-- The places that say how an upstream is verified, the most specific first: what this plugin's
-- configurations say about a target, these configurations, the service, its upstream.
local ip = require("weir.ip")
local targets = require("kong.plugins.upstream-tls.targets")

local layers = {}

local MODES = { [true] = "enforce", [false] = "off" }

-- Configuration, or entry of its targets -> what it sets. Thousands of routes may share one.
local values_of = setmetatable({}, { __mode = "k" })

local function values_of_configuration(conf)
  if values_of[conf] then
    return values_of[conf]
  end
  local values = {}
  for name, value in pairs(conf) do
    values[name] = value
  end
  values.tls_verify, values.targets, values.target = nil, nil, nil
  values.mode = conf.mode or MODES[conf.tls_verify]
  values_of[conf] = values
  return values
end

local function of_configuration(conf, scope)
  return { values = values_of_configuration(conf), origin = ("upstream-tls (%s)"):format(scope) }
end

local function of_entry(entry, scope)
  return of_configuration(entry, ("%s, target %s"):format(scope, entry.target))
end

-- Kong Enterprise's tls_sans are names beside the service's own.
local function names_of(service)
  local sans = service.tls_sans
  if not sans or not (sans.dnsnames or sans.uris) then
    return nil
  end
  local names = { dns = {}, uri = sans.uris, match = "any" }
  for i, name in ipairs(sans.dnsnames or {}) do
    names.dns[i] = name
  end
  if ip.family(service.host) then
    names.ip = { service.host }
  else
    table.insert(names.dns, service.host)
  end
  return names
end

local function of_service(service)
  return {
    values = {
      mode = MODES[service.tls_verify],
      tls_verify_depth = service.tls_verify_depth,
      ca_certificates = service.ca_certificates,
      client_certificate = service.client_certificate and service.client_certificate.id,
      names = names_of(service),
    },
    prefix = "service.",
    written_as = { mode = "tls_verify", names = "tls_sans" },
  }
end

-- Kong also lets an upstream entity name the certificate for services that name none.
local function of_upstream(upstream)
  local reference = upstream and upstream.client_certificate
  return {
    values = { client_certificate = reference and reference.id },
    prefix = "upstream.",
    written_as = {},
  }
end

--- @tparam table plan what a handler's plan() is given
-- @tparam ?table place what counts for this one of kong.plugins.upstream-tls.targets
-- @treturn table list for kong.plugins.upstream-tls.effective
function layers.of(plan, place)
  local list = {}
  for i, found in ipairs(place and targets.entries(plan.layers, place) or {}) do
    list[i] = of_entry(found.entry, found.layer.scope)
  end
  for _, layer in ipairs(plan.layers) do
    list[#list + 1] = of_configuration(layer.entity.config, layer.scope)
  end
  list[#list + 1] = of_service(plan.service)
  list[#list + 1] = of_upstream(plan.upstream)
  return list
end

return layers
