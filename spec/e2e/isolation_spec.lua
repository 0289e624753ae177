-- Nothing obtained under one policy is ever used under another.
--
-- The matrix: {trusted, untrusted, expired, wrong name, too deep} x {full handshake, cached
-- verdict, resumed session, pooled connection} x {same policy, other policy} x {who makes the
-- difference: two services, a plugin, a reload}. Each test has a server name of its own, so that
-- its connections, sessions and verdicts are its own, too.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

local ROOT, OTHER = config.id(1), config.id(2)

local function identity(name, want)
  want.subject = "/CN=isolation"
  want.issuer = pki.get("inter")
  return pki.issue("isolation_" .. name, want)
end

local CERTIFICATES = {
  good = identity("good", { san = "DNS:*.kong.example" }),
  old = identity("old", { san = "DNS:*.kong.example", from = -864000, to = -86400 }),
  named = identity("named", { san = "DNS:*.elsewhere.example" }),
}

-- What a listener has to be like so that the second connection, or request, is of that kind.
local COLUMNS = {
  { name = "full", listener = { close = true, tickets = 0 } },
  { name = "verdict", listener = { close = true, tickets = 0 } },
  { name = "resumed12", listener = { close = true, version = "1.2" } },
  { name = "resumed13", listener = { close = true, version = "1.3" } },
  { name = "pooled", listener = {} },
}

local VERIFY = { tls_verify = true, ca_certificates = { ROOT } }
local OFF = { tls_verify = false }

-- Two policies for one upstream: one that accepts it, and another with its own verdict.
local CASES = {
  trusted = {
    certificate = "good", accept = VERIFY,
    other = { tls_verify = true, ca_certificates = { ROOT, OTHER } },
  },
  untrusted = {
    certificate = "good", accept = VERIFY,
    other = { tls_verify = true, ca_certificates = { OTHER } }, reason = "(20:",
  },
  expired = { certificate = "old", accept = OFF, other = VERIFY, reason = "(10:" },
  misnamed = { certificate = "named", accept = OFF, other = VERIFY, reason = "does not match" },
  deep = {
    certificate = "good",
    accept = { tls_verify = true, ca_certificates = { ROOT }, tls_verify_depth = 1 },
    other = { tls_verify = true, ca_certificates = { ROOT }, tls_verify_depth = 0 },
    reason = "(22:",
  },
}

local ORDER = { "trusted", "untrusted", "expired", "misnamed", "deep" }
local MEANS = { "services", "plugin", "plugin first", "reload" }
local CA_TEXT = { [ROOT] = pki.pem(pki.get("root")), [OTHER] = pki.pem(pki.get("other_root")) }

-- The plugin's words for what a service would be given.
local function choice(fields)
  local chosen = { verify = fields.tls_verify, depth = fields.tls_verify_depth }
  for i, id in ipairs(fields.ca_certificates or {}) do
    chosen.cas = chosen.cas or {}
    chosen.cas[i] = CA_TEXT[id]
  end
  return chosen
end

local function override(fields)
  return { { name = "tls-override", config = { choices = { other = choice(fields) } } } }
end

local function services(ports, reloaded)
  local list = {}
  local function add(name, port, fields, plugins)
    list[name] = { protocol = "https", port = port, service = fields, plugins = plugins }
  end
  for name, case in pairs(CASES) do
    for _, column in ipairs(COLUMNS) do
      local port = ports[case.certificate .. "-" .. column.name]
      local prefix = name .. "-" .. column.name
      add(prefix .. "-accept", port, case.accept)
      add(prefix .. "-other", port, case.other)
      add(prefix .. "-plugin", port, case.accept, override(case.other))
      add(prefix .. "-first", port, case.other, override(case.accept))
      add(prefix .. "-reload", port, prefix == reloaded and case.other or case.accept)
    end
  end
  return list
end

local function build(ports, reloaded)
  return config.build(services(ports, reloaded), {
    ca_certificates = { config.ca(1, "root"), config.ca(2, "other_root") },
  })
end

-- How the two policies are reached, by the means of change: path suffix and X-Choice header.
local WAYS = {
  services = { accept = { "-accept" }, other = { "-other" } },
  plugin = { accept = { "-plugin" }, other = { "-plugin", "other" } },
  ["plugin first"] = { accept = { "-first", "other" }, other = { "-first" } },
  reload = { accept = { "-reload" }, other = { "-reload" } },
}

local SETTINGS = { plugins = "bundled,tls-override", plugin_path = "spec/fixtures/plugins" }

describe("reuse isolation", function()
  local peer, gateway

  setup(function()
    local listeners = {}
    for name, certificate in pairs(CERTIFICATES) do
      for _, column in ipairs(COLUMNS) do
        local options = { tls = certificate }
        for key, value in pairs(column.listener) do
          options[key] = value
        end
        listeners[name .. "-" .. column.name] = options
      end
    end
    peer = upstreams.peer(listeners)
    gateway = helpers.gateway({ config = build(peer.ports), settings = SETTINGS })
  end)
  teardown(helpers.stop_all)

  local function request(prefix, means, way)
    local words = WAYS[means][way]
    local response = gateway:get({
      path = "/" .. prefix .. words[1],
      host = (prefix .. "-" .. means):gsub(" ", "-") .. ".kong.example",
      headers = { ["X-Choice"] = words[2] },
    })
    if response.status == 200 then
      response.conn = cjson.decode(response.body).conn
    end
    return response
  end

  local function accepted(...)
    local response = request(...)
    assert.equal(200, response.status, gateway:logs():sub(-2000))
    return response
  end

  -- The second request under the accepting policy is of the column's kind.
  local function warm(prefix, means, column, case)
    local first = accepted(prefix, means, "accept")
    local second
    local change = gateway:tls_change(function()
      second = accepted(prefix, means, "accept")
    end)
    if column == "pooled" then
      assert.equal(first.conn, second.conn)
      assert.equal(1, change.connections_reused)
    elseif column == "verdict" then
      assert.equal(1, change.handshakes_full)
      assert.equal(case.accept.tls_verify and 1 or 0, change.verdict_hits)
    else
      assert.equal(1, change.handshakes_resumed)
    end
    return second
  end

  local function judged(prefix, means, case, listener)
    local before = peer:connections(listener)
    local response = request(prefix, means, "other")
    assert.equal(case.reason and 502 or 200, response.status)
    if case.reason then
      local id = response.headers["x-kong-request-id"]
      local lines = gateway:lines("%[error%]", id)
      assert.equal(1, #lines)
      assert.truthy(lines[1]:find(case.reason, 1, true), lines[1])
    end
    return response, peer:connections(listener) - before
  end

  local function switch(means, prefix)
    if means == "reload" then
      assert.is_true(gateway:reload(build(peer.ports, prefix)))
    end
  end

  for _, name in ipairs(ORDER) do
    for _, column in ipairs(COLUMNS) do
      for _, means in ipairs(MEANS) do
        it(("%s, %s, %s"):format(name, column.name, means), function()
          local case = CASES[name]
          local prefix = name .. "-" .. column.name
          local listener = case.certificate .. "-" .. column.name
          local mine = column.name ~= "full" and warm(prefix, means, column.name, case)

          switch(means, prefix)
          local response, opened = judged(prefix, means, case, listener)
          assert.equal(1, opened)
          if mine and response.conn then
            assert.not_equal(mine.conn, response.conn)
            assert.is_false(peer:last("handshake", listener).reused)
          end
          judged(prefix, means, case, listener)

          switch(means)
          accepted(prefix, means, "accept")
        end)
      end
    end
  end
end)

describe("policies that differ in one field", function()
  local peer, gateway

  local function fields(extra)
    local list = { tls_verify = true, tls_verify_depth = 3, ca_certificates = { ROOT } }
    for key, value in pairs(extra) do
      list[key] = value
    end
    return list
  end

  local VARIANTS = {
    base = fields({}),
    off = fields({ tls_verify = false }),
    depth = fields({ tls_verify_depth = 4 }),
    cas = fields({ ca_certificates = { ROOT, OTHER } }),
    client = fields({ client_certificate = config.id(11) }),
    client_two = fields({ client_certificate = config.id(12) }),
  }

  setup(function()
    peer = upstreams.peer({ main = { tls = "leaf", client_ca = pki.get("root").cert } })
    local list = {}
    for name, extra in pairs(VARIANTS) do
      list[name] = {
        protocol = "https", port = peer.ports.main, service = extra,
        plugins = { { name = "tls-override", config = { choices = {
          depth = { depth = 4 },
          client = {
            cert = pki.text(pki.get("client").chain), key = pki.text(pki.get("client").key),
          },
        } } } },
      }
    end
    gateway = helpers.gateway({
      settings = SETTINGS,
      config = config.build(list, {
        ca_certificates = { config.ca(1, "root"), config.ca(2, "other_root") },
        certificates = { config.certificate(11, "client"), config.certificate(12, "client_two") },
      }),
    })
  end)
  teardown(helpers.stop_all)

  local function connection(name, chosen)
    local response = gateway:get({
      path = "/" .. name, host = "kong.example", headers = { ["X-Choice"] = chosen },
    })
    assert.equal(200, response.status)
    return cjson.decode(response.body).conn
  end

  it("never share a connection", function()
    local owner, own = {}, {}
    for _ = 1, 3 do
      for name in pairs(VARIANTS) do
        local conn = connection(name)
        assert.equal(name, owner[conn] or name)
        assert.equal(own[name] or conn, conn)
        owner[conn], own[name] = name, conn
      end
    end
  end)

  it("are the same policy when a plugin asks for what another service has", function()
    assert.equal(connection("depth"), connection("base", "depth"))
    assert.equal(connection("client"), connection("base", "client"))
    assert.equal(connection("base"), connection("base"))
  end)

  it("present the certificate that was asked for, and no other", function()
    local seen = {}
    for _, event in ipairs(peer:events("handshake", "main")) do
      seen[event.conn] = event.client
    end
    assert.equal("gateway client", seen[connection("client")])
    assert.equal("gateway client two", seen[connection("client_two")])
    assert.equal(cjson.null, seen[connection("base")])
  end)
end)

describe("one policy", function()
  local peer, gateway
  local brief

  setup(function()
    brief = pki.issue("isolation_brief", {
      subject = "/CN=brief", san = "DNS:kong.example", issuer = pki.get("inter"), to = 8,
    })
    peer = upstreams.peer({
      pooled = { tls = "two_names" },
      resumed = { tls = "two_names", close = true },
      verdict = { tls = "two_names", close = true, tickets = 0 },
      brief_resumed = { tls = brief, close = true },
      brief_verdict = { tls = brief, close = true, tickets = 0 },
    })
    local list = {}
    for name, port in pairs(peer.ports) do
      list[name] = { protocol = "https", port = port, service = VERIFY }
    end
    gateway = helpers.gateway({
      config = config.build(list, { ca_certificates = { config.ca(1, "root") } }),
    })
  end)
  teardown(helpers.stop_all)

  local function request(name, host)
    return gateway:get({ path = "/" .. name, host = host or "kong.example" })
  end

  for _, name in ipairs({ "brief_resumed", "brief_verdict" }) do
    it("does not outlive the certificate: " .. name, function()
      local early = request(name)
      assert.is_true(early.status == 200 or early.status == 502)
      helpers.eventually(function()
        local check = helpers.run({ "openssl", "x509", "-in", brief.cert, "-checkend", "0" })
        return check.code ~= 0
      end, "the certificate to expire")
      local late = request(name)
      assert.equal(502, late.status)
      local id = late.headers["x-kong-request-id"]
      assert.equal(1, #gateway:lines("%(10:certificate has expired%)", id))
    end)
  end

  it("keeps connections of two names apart", function()
    local one = cjson.decode(request("pooled").body)
    local two = cjson.decode(request("pooled", "other.example").body)
    assert.not_equal(one.conn, two.conn)
    assert.equal("other.example", two.sni)
    assert.equal(one.conn, cjson.decode(request("pooled").body).conn)
    assert.equal(one.conn, cjson.decode(request("pooled", "KONG.EXAMPLE").body).conn)
  end)

  it("resumes no session of another name", function()
    assert.equal(200, request("resumed").status)
    assert.equal(200, request("resumed").status)
    assert.is_true(peer:last("handshake", "resumed").reused)
    assert.equal(200, request("resumed", "other.example").status)
    assert.is_false(peer:last("handshake", "resumed").reused)
  end)

  it("takes a verdict for one name only", function()
    assert.equal(200, request("verdict").status)
    local late = request("verdict", "third.example")
    assert.equal(502, late.status)
    assert.equal(1, #gateway:lines("does not match \"third%.example\"",
      late.headers["x-kong-request-id"]))
  end)
end)
