-- The gateway's own certificate: shown to a verified upstream that asks, and to nobody else.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

describe("the client certificate", function()
  local peer, gateway

  setup(function()
    local listeners, services = {}, {}
    local root = pki.get("root").cert
    for _, version in ipairs({ "1.2", "1.3" }) do
      for _, kind in ipairs({ "good", "stranger" }) do
        listeners[kind .. version] = {
          tls = kind == "good" and "leaf" or "from_other_root", version = version,
          client_ca = root, client_required = true,
        }
      end
      listeners["closing" .. version] = {
        tls = "leaf", version = version, client_ca = root, client_required = true, close = true,
      }
    end
    peer = upstreams.peer(listeners)
    for name, port in pairs(peer.ports) do
      local id = name:gsub("%.", "")
      local fields = { tls_verify = true, ca_certificates = { config.id(1) } }
      services[id .. "-none"] = { protocol = "https", port = port, service = fields }
      services[id] = { protocol = "https", port = port, service = {
        tls_verify = true, ca_certificates = { config.id(1) },
        client_certificate = config.id(11),
      } }
    end
    gateway = helpers.gateway({ config = config.build(services, {
      ca_certificates = { config.ca(1, "root") },
      certificates = { config.certificate(11, "client") },
    }) })
  end)
  teardown(helpers.stop_all)

  local function request(name)
    return gateway:get({ path = "/" .. name:gsub("%.", ""), host = "kong.example" })
  end

  for _, version in ipairs({ "1.2", "1.3" }) do
    describe("in TLS " .. version, function()
      it("is shown to a verified upstream that asks for it", function()
        assert.equal(200, request("good" .. version).status)
        local seen = peer:last("handshake", "good" .. version)
        assert.equal("gateway client", seen.client)
        assert.equal("TLSv" .. version, seen.version)
      end)

      it("is never sent to an upstream that is not verified", function()
        local listener = "stranger" .. version
        local response = request(listener)
        assert.equal(502, response.status)
        assert.equal(1, #gateway:lines("%(20:", response.headers["x-kong-request-id"]))
        assert.matches("UNKNOWN_CA", peer:wait("handshake_failed", 1, listener)[1].reason)
        local received = {}
        for _, event in ipairs(peer:events("message", listener)) do
          received[#received + 1] = event.name
        end
        assert.same({ "client_hello" }, received)
      end)

      it("that is missing is the upstream's refusal, in the log", function()
        local response = request("good" .. version .. "-none")
        assert.equal(502, response.status)
        local lines = gateway:lines("%[error%]", response.headers["x-kong-request-id"])
        assert.is_true(#lines >= 1)
        assert.matches("alert", lines[1])
      end)

      it("stays bound to the session that is resumed", function()
        local listener = "closing" .. version
        assert.equal(200, request(listener).status)
        assert.equal(200, request(listener).status)
        local seen = peer:last("handshake", listener)
        assert.is_true(seen.reused)
        assert.equal("gateway client", seen.client)
      end)
    end)
  end

  it("reaches the echo of an upstream unchanged", function()
    assert.equal("kong.example", cjson.decode(request("good1.3").body).sni)
  end)
end)
