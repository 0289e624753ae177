-- What is accepted from a TLS upstream and what is not, with the code that OpenSSL gives for it.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

local CAS = {
  root = config.id(1), other_root = config.id(2), inter = config.id(3),
  self_signed_ca = config.id(4), impostor_root = config.id(5), plain_root = config.id(6),
}

local OK = 200
local NAME = "does not match \"%s\""

-- listener (certificate), trusted CAs, depth, expected: 200, or what the error line says.
local CASES = {
  { "a good chain", "leaf", { "root" }, nil, OK },
  { "a good chain at depth 1", "leaf", { "root" }, 1, OK },
  { "a good chain at depth 0", "leaf", { "root" }, 0, "(22:certificate chain too long)" },
  { "a good chain at depth 64", "leaf", { "root" }, 64, OK },
  { "one CA of several", "leaf", { "other_root", "plain_root", "root" }, nil, OK },
  { "a leaf right under the root at depth 0", "under_root", { "root" }, 0, OK },
  { "three intermediates at depth 3", "deep3", { "root" }, 3, OK },
  { "three intermediates at depth 2", "deep3", { "root" }, 2, "(22:" },
  { "three intermediates without a limit", "deep3", { "root" }, nil, OK },
  { "no CA", "leaf", nil, nil, "(20:unable to get local issuer certificate)" },
  { "no CA at depth 0", "leaf", nil, 0, "(22:" },
  { "another CA", "leaf", { "other_root" }, nil, "(20:" },
  { "a CA of the same name and another key", "plain_leaf", { "impostor_root" }, nil, "(7:" },
  { "the CA that the impostor plays", "plain_leaf", { "plain_root" }, nil, OK },
  { "the leaf alone", "alone", { "root" }, nil, "(20:" },
  { "the leaf alone, with both CAs known", "alone", { "root", "inter" }, 1, OK },
  { "an intermediate as the only CA", "leaf", { "inter" }, nil, "(2:" },
  { "a root that is sent along, unknown", "with_root", { "other_root" }, nil, "(19:" },
  { "a root that is sent along, known", "with_root", { "root" }, 1, OK },
  { "an unknown self-signed certificate", "self_signed", { "root" }, nil, "(18:" },
  { "a known self-signed certificate", "self_signed_ca", { "self_signed_ca" }, 0, OK },
  { "an expired leaf", "expired", { "root" }, nil, "(10:certificate has expired)" },
  { "a leaf of the future", "not_yet", { "root" }, nil, "(9:certificate is not yet valid)" },
  { "a client's certificate", "client_only", { "root" }, nil, "(26:" },
  { "a leaf from a CA for clients", "from_client_ca", { "root" }, nil, "(26:" },
  { "a leaf from a leaf", "from_leaf", { "root" }, nil, "(79:" },
  { "a leaf outside its CA's names", "outside", { "root" }, nil, "(47:" },
  { "a NUL in the name", "nul_in_name", { "root" }, nil, NAME:format("kong.example") },
  { "another name", "wrong_name", { "root" }, nil, NAME:format("kong.example") },
  { "a name that only begins alike", "name_prefix", { "root" }, nil, NAME:format("kong.example") },
  { "a wildcard over a whole domain", "wildcard", { "root" }, nil, NAME:format("kong.example") },
  { "a name among the wrong kind", "name_in_email", { "root" }, nil, NAME:format("kong.example") },
  { "a name that is only in the CN", "cn_only", { "root" }, nil, NAME:format("kong.example") },
}

describe("a TLS upstream", function()
  local peer, gateway

  setup(function()
    local listeners = { alone = { tls = pki.alone(pki.get("leaf")) } }
    for _, case in ipairs(CASES) do
      listeners[case[2]] = listeners[case[2]] or { tls = case[2] }
    end
    listeners.tls12 = { tls = "leaf", version = "1.2" }
    for _, name in ipairs({ "ip", "ip_other", "ip_as_dns" }) do
      listeners[name] = { tls = name }
    end
    peer = upstreams.peer(listeners)

    local services, cas = {}, {}
    local function add(name, listener, trusted, depth, more)
      local fields = { tls_verify = true, tls_verify_depth = depth }
      for i, ca in ipairs(trusted or {}) do
        fields.ca_certificates = fields.ca_certificates or {}
        fields.ca_certificates[i] = CAS[ca]
      end
      services[name] = { protocol = "https", port = peer.ports[listener], service = fields }
      for key, value in pairs(more or {}) do
        services[name][key] = value
      end
    end
    for i, case in ipairs(CASES) do
      add("case" .. i, case[2], case[3], case[4])
    end
    add("tls12", "tls12", { "root" })
    add("tls12-bad", "tls12", { "other_root" })
    for _, name in ipairs({ "ip", "ip_other", "ip_as_dns", "leaf" }) do
      add("by-" .. name, name, { "root" }, nil, { host = "127.0.0.1", preserve_host = false })
    end
    for name, id in pairs(CAS) do
      cas[#cas + 1] = { id = id, cert = pki.pem(pki.get(name)) }
    end
    gateway = helpers.gateway({ config = config.build(services, { ca_certificates = cas }) })
  end)
  teardown(helpers.stop_all)

  local function request(name, host)
    return gateway:get({ path = "/" .. name, host = host or "kong.example" })
  end

  local function refused(response, reason)
    assert.equal(502, response.status)
    local lines = gateway:lines("%[error%]", response.headers["x-kong-request-id"])
    assert.equal(1, #lines)
    assert.truthy(lines[1]:find(reason, 1, true), lines[1])
  end

  for i, case in ipairs(CASES) do
    it(("with %s: %s"):format(case[1], case[5]), function()
      for _ = 1, 2 do
        local response = request("case" .. i)
        if case[5] == OK then
          assert.equal(200, response.status, gateway:logs():sub(-600))
        else
          refused(response, case[5])
        end
      end
    end)
  end

  describe("that is an IP address", function()
    it("is known by its IP SAN", function()
      assert.equal(200, request("by-ip").status)
      assert.equal(cjson.null, peer:last("handshake", "ip").sni)
    end)

    it("is not known by another IP SAN, by a name, or by a DNS SAN that looks like it", function()
      for _, name in ipairs({ "by-ip_other", "by-leaf", "by-ip_as_dns" }) do
        refused(request(name), "127.0.0.1")
      end
    end)
  end)

  it("speaking TLS 1.2 is judged alike", function()
    assert.equal(200, request("tls12").status)
    assert.equal("TLSv1.2", peer:last("handshake", "tls12").version)
    refused(request("tls12-bad"), "(20:")
  end)

  it("gets the alert that fits", function()
    local function alert(name, listener)
      local count = peer:count("handshake_failed", listener)
      request(name)
      return peer:wait("handshake_failed", count + 1, listener)[count + 1].reason
    end
    for i, case in ipairs(CASES) do
      if case[1] == "another CA" then
        assert.matches("UNKNOWN_CA", alert("case" .. i, "leaf"))
      elseif case[1] == "an expired leaf" then
        assert.matches("CERTIFICATE_EXPIRED", alert("case" .. i, "expired"))
      end
    end
    assert.matches("UNKNOWN_CA", alert("tls12-bad", "tls12"))
  end)

  it("is asked for by the name in the request, without port and final dot", function()
    assert.equal(200, request("case1", "kong.example:8443").status)
    assert.equal("kong.example", peer:last("handshake", "leaf").sni)
    assert.equal(200, request("case1", "kong.example.").status)
    assert.equal("kong.example", peer:last("handshake", "leaf").sni)
    refused(request("case1", "other.example"), NAME:format("other.example"))
  end)
end)

describe("resumption", function()
  local services = {}
  local gateway, peer, nginx, server

  setup(function()
    peer = upstreams.peer({
      py12 = { tls = "leaf", close = true, version = "1.2" },
      py13 = { tls = "leaf", close = true, version = "1.3" },
    })
    nginx = upstreams.nginx({ tls = "leaf", extra = "keepalive_timeout 0;" })
    server = upstreams.s_server({ tls = "leaf" })
    local ports = {
      py12 = peer.ports.py12, py13 = peer.ports.py13, nginx = nginx.port, s_server = server.port,
    }
    for name, port in pairs(ports) do
      services[name] = { protocol = "https", port = port, service = {
        tls_verify = true, ca_certificates = { CAS.root },
      } }
    end
    gateway = helpers.gateway({
      config = config.build(services, { ca_certificates = { config.ca(1, "root") } }),
    })
  end)
  teardown(helpers.stop_all)

  for _, name in ipairs({ "py12", "py13", "nginx", "s_server" }) do
    it("happens under the same policy, with " .. name, function()
      local function request()
        local response = gateway:get({ path = "/" .. name, host = "kong.example" })
        assert.equal(200, response.status)
        return response.body
      end
      request()
      local body
      local change = gateway:tls_change(function()
        for _ = 1, 4 do
          body = request()
        end
      end)
      assert.equal(4, change.handshakes_resumed)
      assert.equal(0, change.handshakes_full)
      assert.equal(4, change.connections_opened)
      if name == "nginx" then
        assert.matches('"reused":"r"', body)
      elseif name == "s_server" then
        assert.matches("Reused, TLS", body)
      else
        assert.is_true(peer:last("handshake", name).reused)
      end
    end)
  end

  it("can be switched off", function()
    local plain = helpers.gateway({
      config = config.build(services, { ca_certificates = { config.ca(1, "root") } }),
      settings = { upstream_tls_session_reuse = "off", upstream_keepalive_pool_size = 0 },
    })
    for _ = 1, 3 do
      assert.equal(200, plain:get({ path = "/py13", host = "kong.example" }).status)
    end
    assert.equal(3, plain:tls().handshakes_full)
    assert.equal(0, plain:tls().handshakes_resumed)
    plain:stop()
  end)
end)
