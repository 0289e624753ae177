-- Names in UTF-8: what the configuration says in them is sent, matched and verified in the form
-- that DNS, clients and certificates have, and in no other.

local config = require("spec.support.config")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local A_LABEL, U_LABEL = "xn--bcher-kva.example", "bücher.example"

local root = forge.certificate({ subject = "idna root", ca = true })

local function leaf(name)
  return forge.identity({ forge.certificate({ subject = "idna leaf", issuer = root, dns = name }) })
end

local function plugin(fields)
  fields.mode, fields.ca_certificates = "enforce", { config.id(1) }
  return { { name = "upstream-tls", config = fields } }
end

describe("a name in UTF-8", function()
  local gateway, peer

  local function document(host)
    local function service(listener, want)
      want.protocol, want.port = "https", peer.ports[listener]
      want.service = want.service or {}
      want.service.retries = 0
      return want
    end
    local services = {
      host = service("encoded", { plugins = plugin({}), service = { host = host },
        route = { preserve_host = false, hosts = { "*.läden.example", "läden.example:8000" } } }),
      names = service("encoded", { plugins = plugin({ names = { dns = { U_LABEL:upper() } } }) }),
      sni = service("encoded", { plugins = plugin({ sni = "ｂücher.example",
        verify_name = false }) }),
      sans = service("encoded", { service = { tls_verify = true,
        ca_certificates = { config.id(1) }, tls_sans = { dnsnames = { U_LABEL } } } }),
      raw = service("raw", { plugins = plugin({ names = { dns = { U_LABEL } } }) }),
    }
    local built = config.build(services, {
      ca_certificates = { { id = config.id(1), cert = root.pem } } })
    table.insert(built.upstreams, { name = "BÜCHER.example", host_header = U_LABEL,
      targets = { { target = "127.0.0.1:" .. peer.ports.encoded } } })
    return built
  end

  setup(function()
    peer = upstreams.peer({ encoded = { tls = leaf(A_LABEL) }, raw = { tls = leaf(U_LABEL) } })
    gateway = helpers.gateway({ config = document("bücher.EXAMPLE") })
  end)
  teardown(helpers.stop_all)

  local function ask(name, host)
    return gateway:get({ path = "/" .. name, host = host or "kong.example" })
  end

  it("of a service is that of its upstream, in Host, SNI and certificate", function()
    assert.equal(200, ask("host", "www.xn--lden-loa.example").status, gateway:logs():sub(-600))
    local request = peer:last("request", "encoded")
    assert.truthy(request.raw:find(("\r\nHost: %s:%d\r\n"):format(A_LABEL, peer.ports.encoded), 1,
      true), request.raw)
    assert.equal(A_LABEL, peer:last("handshake", "encoded").sni)
  end)

  it("of a route is the Host that clients send", function()
    assert.equal(404, ask("host", "xn--lden-loa.other").status)
    assert.equal(404, ask("host", "www.other.example").status)
    assert.equal(400, ask("host", "www.läden.example").status)
  end)

  it("is wanted from certificates and sent as SNI", function()
    for _, name in ipairs({ "names", "sans" }) do
      assert.equal(200, ask(name).status, gateway:logs():sub(-600))
    end
    assert.equal(200, ask("sni").status)
    assert.equal(A_LABEL, peer:last("handshake", "encoded").sni)
  end)

  it("is no match where a certificate has it in UTF-8", function()
    local response = ask("raw")
    assert.equal(502, response.status)
    local lines = gateway:lines("%[error%]", response.headers["x-kong-request-id"])
    assert.truthy(lines[1]:find('names_wanted: "DNS:' .. A_LABEL, 1, true), lines[1])
  end)

  it("that has no other form is an error when the file is loaded", function()
    local applied, log = gateway:reload(document("☃.example"))
    assert.is_false(applied)
    assert.truthy(log:find("host: invalid value: ☃.example (string contains a disallowed", 1, true),
      log)
    assert.matches("weir%.json:1:%d+: services%[%d%]%.host: ", log)
    assert.equal(200, ask("names").status)
  end)
end)
