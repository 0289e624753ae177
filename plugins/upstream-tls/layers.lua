-- The places that say how an upstream is verified, the most specific first: what this plugin's
-- configurations say about a target, these configurations, the service, its upstream.
local ip = require("weir.text.ip")
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

-- Configuration, or entry -> scope -> its layer.
local layers_of = setmetatable({}, { __mode = "k" })

local function of_configuration(conf, scope)
  local by_scope = layers_of[conf] or {}
  layers_of[conf] = by_scope
  by_scope[scope] = by_scope[scope]
    or { values = values_of_configuration(conf), origin = ("upstream-tls (%s)"):format(scope) }
  return by_scope[scope]
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

local function new_service_layer(service, names)
  return {
    values = {
      mode = MODES[service.tls_verify],
      tls_verify_depth = service.tls_verify_depth,
      ca_certificates = service.ca_certificates,
      client_certificate = service.client_certificate and service.client_certificate.id,
      names = names,
    },
    prefix = "service.",
    written_as = { mode = "tls_verify", names = "tls_sans" },
  }
end

-- What services say, as a text -> the layer. Thousands of services may say the same.
local of_text = setmetatable({}, { __mode = "v" })

-- The text is the same for services that say the same about all but names, which are hardly ever
-- those of another service.
local function of_service(service)
  local names = names_of(service)
  if names then
    return new_service_layer(service, names)
  end
  local ids = service.ca_certificates
  local text = ("%s|%s|%s|%s"):format(tostring(service.tls_verify),
    tostring(service.tls_verify_depth), ids and table.concat(ids, ",") or "nil",
    service.client_certificate and service.client_certificate.id or "nil")
  local layer = of_text[text] or new_service_layer(service)
  of_text[text] = layer
  return layer
end

-- Kong also lets an upstream entity name the certificate for services that name none.
local function of_upstream(reference)
  return {
    values = { client_certificate = reference.id }, prefix = "upstream.", written_as = {},
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
  if plan.upstream and plan.upstream.client_certificate then
    list[#list + 1] = of_upstream(plan.upstream.client_certificate)
  end
  return list
end

return layers
