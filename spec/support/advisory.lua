-- What the specs of spec/advisories share: a gateway in front of a peer that lies.

local cjson = require("cjson")
local config = require("spec.support.config")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")
local luassert = require("luassert")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

local advisory = {}

local World = {}
World.__index = World

local ROOT

--- The CA that services trust when a spec does not say otherwise.
function advisory.root()
  ROOT = ROOT or forge.certificate({ subject = "advisory root", ca = true })
  return ROOT
end

--- An identity of a leaf right under that CA.
-- @tparam table want as for forge.certificate
function advisory.leaf(want)
  want = want or {}
  want.subject = want.subject or "advisory leaf"
  want.issuer = want.issuer or advisory.root()
  return forge.identity({ forge.certificate(want) })
end

--- A ca_certificates id that stands for the bundle's number.
advisory.id = config.id

local function document(world, changes)
  local services = {}
  for name, want in pairs(world.services) do
    local service = { protocol = "https", port = world.peer.ports[want.listener or name],
      service = { tls_verify = true, ca_certificates = { config.id(1) }, retries = 0 } }
    for _, source in ipairs({ want, changes and changes[name] or {} }) do
      for key, value in pairs(source.fields or {}) do
        service.service[key] = value
      end
      for _, key in ipairs({ "plugins", "route", "paths", "host", "preserve_host" }) do
        service[key] = source[key] == nil and service[key] or source[key]
      end
    end
    services[name] = service
  end
  local rest = { ca_certificates = {} }
  for i, certificate in ipairs(world.cas) do
    rest.ca_certificates[i] = { id = config.id(i), cert = certificate.pem }
  end
  rest.certificates = world.certificates
  return config.build(services, rest)
end

--- Start a peer and a gateway.
-- @tparam table want listeners (as for upstreams.peer), services (name -> listener, fields,
-- plugins, route, paths; the listener of its own name by default; verified against the first CA
-- unless fields say otherwise), cas (certificates of forge), certificates (entities), and what
-- helpers.gateway takes
function advisory.world(want)
  local world = setmetatable({
    peer = upstreams.peer(want.listeners), services = want.services,
    cas = want.cas or { advisory.root() }, certificates = want.certificates,
  }, World)
  if not world.services then
    world.services = {}
    for name in pairs(want.listeners) do
      world.services[name] = {}
    end
  end
  world.gateway = helpers.gateway({ config = document(world), settings = want.settings,
    env = want.env, tls = want.tls })
  return world
end

--- Put changed services into force.
-- @tparam table changes name -> fields and so on, over those that the spec began with
function World:reload(changes)
  return self.gateway:reload(document(self, changes))
end

--- One request to a service.
function World:ask(name, host, path)
  return self.gateway:get({ path = "/" .. name .. (path or ""), host = host or "kong.example" })
end

--- A request that must come through.
-- @treturn table what the peer tells about it: conn, sni, …
function World:accepts(name, host)
  local response = self:ask(name, host)
  luassert.equal(200, response.status, self.gateway:logs():sub(-2000))
  return cjson.decode(response.body)
end

--- A request that must not get to the peer.
-- @tparam string name of the service
-- @tparam ?string host
-- @tparam ?string reason what the one line in the error log says
-- @treturn table the response
function World:refuses(name, host, reason)
  local listener = self.services[name].listener or name
  local before = self.peer:count("request", listener)
  local response = self:ask(name, host)
  luassert.equal(502, response.status)
  luassert.equal(before, self.peer:count("request", listener))
  if reason then
    local lines = self.gateway:lines("%[error%]", response.headers["x-kong-request-id"])
    luassert.equal(1, #lines)
    luassert.truthy(lines[1]:find(reason, 1, true), lines[1])
  end
  return response
end

--- The newest ClientHello that a listener has got.
function World:hello(listener)
  return assert(self.peer:last("hello", listener), "no ClientHello")
end

--- An entity of `certificates` for a client certificate.
function advisory.client(number, subject)
  local identity = advisory.leaf({ subject = subject, extensions = {
    forge.ext.eku("clientAuth") } })
  return { id = config.id(number), cert = pki.text(identity.chain), key = pki.text(identity.key) }
end

return advisory
