-- Declarative configurations for the specs, built up from a few words.

local pki = require("spec.fixtures.pki")

local config = {}

local HEX = "00000000-0000-4000-8000-%012d"

--- A UUID that stands for a small number.
function config.id(number)
  return HEX:format(number)
end

--- An entity of ca_certificates.
-- @tparam number number its id
-- @tparam string|table identity a name of the catalogue, or an identity
function config.ca(number, identity)
  if type(identity) == "string" then
    identity = pki.get(identity)
  end
  return { id = config.id(number), cert = pki.pem(identity) }
end

--- An entity of certificates.
function config.certificate(number, identity)
  if type(identity) == "string" then
    identity = pki.get(identity)
  end
  return {
    id = config.id(number),
    cert = pki.text(identity.chain),
    key = pki.text(identity.key),
  }
end

local function service(name, want)
  local entity = {
    name = name,
    protocol = want.protocol or "http",
    host = want.host or name .. ".upstream",
    port = want.host and want.port or 80,
    routes = { {
      name = name,
      paths = want.paths or { "/" .. name },
      preserve_host = want.preserve_host ~= false,
    } },
  }
  for key, value in pairs(want.service or {}) do
    entity[key] = value
  end
  for key, value in pairs(want.route or {}) do
    entity.routes[1][key] = value
  end
  entity.plugins = want.plugins
  return entity
end

--- A whole configuration.
-- @tparam table services name -> { protocol, port (of the one target on 127.0.0.1), service and
-- route (further fields), paths, plugins, host (a service without an upstream entity) }.
-- A service is reached at /name, by the request's own Host.
-- @tparam ?table rest further top-level entities
function config.build(services, rest)
  local document = { _format_version = "3.0", services = {}, upstreams = {} }
  local names = {}
  for name in pairs(services) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    local want = services[name]
    document.services[i] = service(name, want)
    if not want.host then
      table.insert(document.upstreams, {
        name = name .. ".upstream",
        targets = want.targets or { { target = "127.0.0.1:" .. want.port } },
      })
    end
  end
  if #document.upstreams == 0 then
    document.upstreams = nil
  end
  for key, value in pairs(rest or {}) do
    document[key] = value
  end
  return document
end

return config
