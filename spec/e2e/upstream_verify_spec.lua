-- Plugins that judge upstreams: they refuse inside of the handshake, and nothing that was obtained
-- without them, or under another configuration of theirs, serves a route that has them.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

local ROOT = config.id(1)
local OURS, THEIRS = "spiffe://cluster.example/ours", "spiffe://cluster.example/theirs"

local function identity(name, uri)
  return pki.issue("upstream_verify_" .. name, {
    subject = "/CN=" .. name, san = "DNS:*.kong.example,URI:" .. uri, issuer = pki.get("inter"),
  })
end

local ours, theirs = identity("ours", OURS), identity("theirs", THEIRS)

local VERIFY = { tls_verify = true, ca_certificates = { ROOT } }
local OFF = { tls_verify = false }

local SETTINGS = { plugins = "bundled,judge,tls-override", plugin_path = "spec/fixtures/plugins" }

local function judge(fields)
  return { name = "judge", config = fields }
end

local function fingerprint(certificate)
  local check = helpers.run({ "openssl", "x509", "-in", certificate.cert, "-noout", "-fingerprint",
    "-sha256" })
  return (check.stdout:match("=(%S+)"):gsub(":", ""):lower())
end

describe("upstream_verify", function()
  local peer, gateway
  local MINE, YOURS = fingerprint(ours), fingerprint(theirs)

  -- The judge's configuration of the route /edited changes by reload.
  local function build(edited)
    local services = {}
    local function add(name, port, fields, plugins)
      services[name] = {
        protocol = "https", port = peer.ports[port], service = fields, plugins = plugins,
      }
    end
    add("free", "kept", VERIFY)
    add("judged", "kept", VERIFY, { judge({ spiffe_ids = { OURS } }) })
    add("strict", "kept", VERIFY, { judge({ refused = { MINE } }) })
    add("edited", "kept", VERIFY, { judge(edited or { spiffe_ids = { OURS } }) })
    add("theirs", "theirs", VERIFY, { judge({ spiffe_ids = { OURS } }) })
    add("withdrawn", "theirs", VERIFY, { judge({ refused = { YOURS } }) })
    add("unverified", "theirs", OFF, { judge({ refused = { YOURS } }) })
    add("untrusted", "stranger", VERIFY, { judge({}) })
    add("free12", "resuming12", VERIFY)
    add("judged12", "resuming12", VERIFY, { judge({}) })
    add("free13", "resuming13", VERIFY)
    add("judged13", "resuming13", VERIFY, { judge({}) })
    add("report", "theirs", {}, {
      judge({ refused = { YOURS } }),
      { name = "upstream-tls", config = { mode = "report", ca_certificates = { ROOT } } },
    })
    add("override", "kept", OFF, {
      judge({ refused = { MINE } }),
      { name = "tls-override", config = { choices = { verify = {
        verify = true, cas = { pki.pem(pki.get("root")) },
      } } } },
    })
    for _, fault in ipairs({ "error", "yield", "wait", "request", "service", "response", "number",
      "silent", "kept" }) do
      add("fault-" .. fault, "closing", VERIFY, { judge({ fault = fault }) })
    end
    return config.build(services, { ca_certificates = { config.ca(1, "root") } })
  end

  setup(function()
    peer = upstreams.peer({
      kept = { tls = ours },
      theirs = { tls = theirs },
      stranger = { tls = "from_other_root" },
      closing = { tls = ours, close = true, tickets = 0 },
      resuming12 = { tls = ours, close = true, version = "1.2" },
      resuming13 = { tls = ours, close = true, version = "1.3" },
    })
    gateway = helpers.gateway({ config = build(), settings = SETTINGS })
  end)
  teardown(helpers.stop_all)

  local function get(name, headers)
    return gateway:get({ path = "/" .. name, host = name .. ".kong.example", headers = headers })
  end

  local function accepted(...)
    local response = get(...)
    assert.equal(200, response.status, gateway:logs():sub(-2000))
    return cjson.decode(response.body).conn
  end

  -- The one line about a request that was refused.
  local function refused(...)
    local response = get(...)
    assert.equal(502, response.status)
    local lines = gateway:lines("%[error%]", response.headers["x-kong-request-id"],
      "certificate verify error")
    assert.equal(1, #lines)
    assert.is_nil(response.body:find("plugin", 1, true))
    return lines[1]
  end

  local function judged()
    return #gateway:lines("%[judge%] judged ")
  end

  it("accepts, and is asked once for each connection", function()
    local before = judged()
    local conn = accepted("judged")
    assert.equal(conn, accepted("judged"))
    assert.equal(before + 1, judged())
    assert.matches("judged " .. MINE .. " of 3 for judged%.kong%.example at 127%.0%.0%.1:%d+, "
      .. "anchor CN=", gateway:lines("%[judge%] judged ")[before + 1])
  end)

  it("refuses by SPIFFE id: the log has the reason, the peer an alert", function()
    local before = peer:count("request", "theirs")
    local line = refused("theirs")
    assert.matches("(50:refused by plugin 'judge': not one of ours: " .. THEIRS .. ") while SSL "
      .. "handshaking to upstream", line, 1, true)
    assert.matches("code: refused_by_plugin, depth: 0, openssl: 50", line, 1, true)
    assert.matches('subject: "CN=theirs"', line, 1, true)
    assert.matches("mode: enforce", line, 1, true)
    assert.equal(before, peer:count("request", "theirs"))
    peer:wait("handshake_failed", 1, "theirs")
    assert.equal("SSLV3_ALERT_HANDSHAKE_FAILURE", peer:last("handshake_failed", "theirs").reason)
  end)

  it("refuses by fingerprint, and counts", function()
    local change = gateway:tls_change(function()
      assert.matches("its certificate was withdrawn", refused("withdrawn"), 1, true)
    end)
    assert.equal(1, change.handshakes_failed)
  end)

  it("judges where nothing is verified, too", function()
    local before = judged()
    assert.matches("its certificate was withdrawn", refused("unverified"), 1, true)
    assert.matches("anchor nil", gateway:lines("%[judge%] judged ")[before + 1], 1, true)
  end)

  it("is a part of the policy, which the log and the Admin API name alike", function()
    local logged = refused("theirs"):match("policy: (%x+)")
    local shown = gateway:admin("/services/theirs/tls").data[1]
    assert.equal(logged, shown.policy)
    assert.same({ "judge" }, shown.judges)
    assert.not_equal(logged, gateway:admin("/services/withdrawn/tls").data[1].policy)
  end)

  it("is not asked about what was refused before", function()
    local before = judged()
    assert.matches("code: untrusted_issuer", refused("untrusted"), 1, true)
    assert.equal(before, judged())
  end)

  it("only reports in report mode", function()
    local response = get("report")
    assert.equal(200, response.status)
    local line = gateway:lines("%[warn%]", response.headers["x-kong-request-id"])[1]
    assert.matches("would be refused: (50:refused by plugin 'judge': its certificate was "
      .. "withdrawn)", line, 1, true)
    assert.matches("code: refused_by_plugin", line, 1, true)
  end)

  it("does not get at connections of routes without it, nor of others' configurations", function()
    local free, conn = accepted("free"), accepted("judged")
    assert.not_equal(free, conn)
    assert.matches("withdrawn", refused("strict"), 1, true)
    assert.equal(free, accepted("free"))
    assert.equal(conn, accepted("judged"))
  end)

  it("judges under a policy that another plugin chose for the request, too", function()
    assert.matches("withdrawn", refused("override"), 1, true)
    assert.matches("withdrawn", refused("override", { ["X-Choice"] = "verify" }), 1, true)
  end)

  for _, version in ipairs({ "12", "13" }) do
    it("is asked in each handshake: none resumes, TLS 1." .. version:sub(2), function()
      accepted("free" .. version)
      local before = judged()
      local change = gateway:tls_change(function()
        accepted("judged" .. version)
        accepted("judged" .. version)
      end)
      assert.same({ 2, 0, 0 },
        { change.handshakes_full, change.handshakes_resumed, change.verdict_hits })
      assert.equal(before + 2, judged())
      assert.equal(1, gateway:tls_change(function()
        accepted("free" .. version)
      end).handshakes_resumed)
    end)
  end

  it("is heeded at once when its configuration changes, under connections that are kept", function()
    local conn, free = accepted("edited"), accepted("free")
    assert.is_true(gateway:reload(build({ refused = { MINE } })))
    assert.matches("withdrawn", refused("edited"), 1, true)
    assert.equal(free, accepted("free"))
    assert.is_true(gateway:reload(build()))
    assert.not_equal(conn, accepted("edited"))
    assert.is_true(gateway:reload(build()))
    assert.equal(free, accepted("free"))
  end)

  local FAULTS = {
    error = "it failed", yield = "it failed", wait = "it failed", request = "it failed",
    service = "it failed", response = "it failed",
    number = "it returned a number, which is no verdict", silent = "no reason given",
  }
  for fault, reason in pairs(FAULTS) do
    it("refuses when a plugin misbehaves: " .. fault, function()
      assert.matches("refused by plugin 'judge': " .. reason .. ")", refused("fault-" .. fault), 1,
        true)
    end)
  end

  it("logs why a plugin failed", function()
    local texts = {
      error = "handler.lua:%d+: broken on purpose",
      yield = "attempt to yield",
      wait = "API disabled in the context of upstream_verify",
      request = "function cannot be called in upstream_verify phase %(only in: ",
      service = "function cannot be called in upstream_verify phase "
        .. "%(only in: rewrite, access, balancer, preread%)",
      response = "function cannot be called in upstream_verify phase %(only in: ",
    }
    for fault, text in pairs(texts) do
      local response = get("fault-" .. fault)
      assert.equal(1, #gateway:lines("%[judge%] upstream_verify: ", text,
        response.headers["x-kong-request-id"]), fault .. gateway:logs():sub(-3000))
    end
  end)

  it("does not let a plugin look at certificates of another handshake", function()
    accepted("fault-kept")
    assert.matches("it failed", refused("fault-kept"), 1, true)
    gateway:wait_line("a certificate can only be read while upstream_verify runs")
  end)
end)
