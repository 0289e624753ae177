-- The guide "TLS verification of upstream services", step by step, through a declarative file.

local helpers = require("spec.helpers")
local pki = require("spec.fixtures.pki")
local upstreams = require("spec.fixtures.upstreams")

local FILE = [[
_format_version: "3.0"
services:
- name: echo
  protocol: https
  host: echo.default.443.svc
  port: 443
%(fields)
  routes:
  - name: echo
    hosts: [kong.example]
    paths: [/echo]
    preserve_host: true
%(services)
upstreams:
- name: echo.default.443.svc
  targets:
  - target: 127.0.0.1:%(port)
%(upstreams)
%(cas)
]]

local CA_ID = "bf6e0f14-78cd-45ad-9325-87ec7ef7b891"

local WELCOME = [[
Welcome, you are connected to node here.
Running on Pod echo-1.
In namespace default.
With IP address 127.0.0.1.
Through HTTPS connection.
]]

-- Lua patterns of the two log lines in the guide's format.
local function error_line(reason, port, id)
  return "^%d%d%d%d/%d%d/%d%d %d%d:%d%d:%d%d %[error%] %d+#%d+: %*%d+ " .. reason
    .. " while SSL handshaking to upstream, client: 127%.0%.0%.1, server: [^,]+, "
    .. 'request: "GET /echo HTTP/1%.1", upstream: "https://127%.0%.0%.1:' .. port .. '/", '
    .. 'host: "kong%.example", request_id: "' .. id .. '"'
end

local function access_line(status, size, id)
  return "^127%.0%.0%.1 %- %- %[%d%d/%a%a%a/%d%d%d%d:%d%d:%d%d:%d%d [+-]%d%d%d%d%] "
    .. '"GET /echo HTTP/1%.1" ' .. status .. " " .. size
    .. ' "%-" "curl/[%d.]+" kong_request_id: "' .. id .. '"$'
end

local function code(number, text)
  return ("upstream SSL certificate verify error: %%(%d:%s%%)"):format(number, text)
end

local NO_ISSUER = code(20, "unable to get local issuer certificate")
local TOO_LONG = code(22, "certificate chain too long")

-- A certificate as an entity of ca_certificates in YAML.
local function ca_entity(id, identity)
  local cert = pki.pem(identity):gsub("(.-)\n", "    %1\n")
  return ("- id: %s\n  cert: |\n%s"):format(id, cert)
end

local function file(port, want)
  local values = {
    port = port,
    fields = "",
    cas = "",
    services = want.services or "",
    upstreams = want.upstreams or "",
  }
  for _, field in ipairs(want) do
    values.fields = values.fields .. "  " .. field .. "\n"
  end
  for _, entity in ipairs(want.cas or {}) do
    values.cas = (values.cas == "" and "ca_certificates:\n" or values.cas) .. entity
  end
  return (FILE:gsub("%%%((%w+)%)", values))
end

describe("the guide", function()
  local guide = pki.guide()
  local peer, gateway, port
  local root = { ca_entity(CA_ID, guide.root) }
  local trusting = { "tls_verify: true", "ca_certificates: [" .. CA_ID .. "]", cas = root }

  local function depth(number)
    return {
      "tls_verify: true", "ca_certificates: [" .. CA_ID .. "]", "tls_verify_depth: " .. number,
      cas = root,
    }
  end

  setup(function()
    peer = upstreams.peer({
      good = { tls = guide.leaf, page = WELCOME },
      expired = { tls = "expired" },
      wrong_name = { tls = "wrong_name" },
      leaf_only = { tls = pki.alone(guide.leaf) },
      self_signed = { tls = "self_signed" },
    })
    port = peer.ports.good
    gateway = helpers.gateway({ config = file(port, {}) })
  end)
  teardown(helpers.stop_all)

  local function request()
    return gateway:get({ path = "/echo", host = "kong.example" })
  end

  local function accepted()
    local response = request()
    assert.equal(200, response.status)
    assert.matches("Through HTTPS connection%.", response.body)
    local id = response.headers["x-kong-request-id"]
    local line = gateway:access_line(id)
    assert.matches(access_line(200, #response.body, id), line)
    assert.equal(0, #gateway:lines("%[error%]", id))
  end

  -- One refused request: the body, one error line, one connection, the access-log line.
  local function refused(reason, listener)
    listener = listener or "good"
    local connections = peer:connections(listener)
    local response = request()
    assert.equal(502, response.status)
    assert.equal("application/json; charset=utf-8", response.headers["content-type"])
    local id = response.body:match('"request_id":"(%x+)"')
    assert.equal(32, #id)
    assert.equal(126, #response.body)
    assert.equal(('{\n  "message":"An invalid response was received from the upstream server",\n'
      .. '  "request_id":"%s"\n}'):format(id), response.body)
    assert.matches(access_line(502, 126, id), gateway:access_line(id))
    local lines = gateway:lines(id)
    assert.equal(1, #lines)
    assert.matches(error_line(reason, peer.ports[listener], id), lines[1])
    assert.equal(connections + 1, peer:connections(listener))
    return lines[1]
  end

  local function apply(want, target)
    local applied, log = gateway:reload(file(target or port, want))
    assert.is_true(applied, log)
    return log
  end

  it("without tls_verify: answers, and warns once that nothing is verified", function()
    accepted()
    assert.equal(1, #gateway:lines("%[warn%]", "echo", "not verified"))
  end)

  it("tls_verify without a CA: refuses the first request, and each one", function()
    apply({ "tls_verify: true" })
    local line = refused(NO_ISSUER)
    for _, fact in ipairs({ "depth", "subject", "bundle", "policy" }) do
      assert.matches("request_id: .*" .. fact, line)
    end
    refused(NO_ISSUER)
  end)

  it("with the root CA: answers, and has nothing to warn about", function()
    local log = apply(trusting)
    accepted()
    assert.not_matches("%[warn%]", log)
  end)

  it("at depth 1: answers", function()
    apply(depth(1))
    accepted()
  end)

  it("at depth 0: refuses although connections of depth 1 are idle", function()
    apply(depth(0))
    refused(TOO_LONG)
    refused(TOO_LONG)
  end)

  it("back at depth 1: answers", function()
    apply(depth(1))
    accepted()
  end)

  describe("refuses", function()
    local other = { ca_entity(CA_ID, pki.get("other_root")) }
    local own = { ca_entity(CA_ID, pki.get("root")) }
    local cases = {
      { "a wrong CA", NO_ISSUER, "good", other },
      { "an expired leaf", code(10, "certificate has expired"), "expired", own },
      { "a wrong name", "upstream SSL certificate does not match \"kong%.example\"", "wrong_name",
        own },
      { "the leaf without its intermediate", NO_ISSUER, "leaf_only", root },
      { "a self-signed certificate", code(18, "self%-signed certificate"), "self_signed", root },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        apply({ trusting[1], trusting[2], cas = case[4] }, peer.ports[case[3]])
        refused(case[2], case[3])
        refused(case[2], case[3])
      end)
    end
  end)

  it("a CA whose content changes under the same id is another CA at once", function()
    apply(trusting)
    accepted()
    apply({ trusting[1], trusting[2], cas = { ca_entity(CA_ID, pki.get("other_root")) } })
    refused(NO_ISSUER)
    apply(trusting)
    accepted()
  end)

  it("a target that is refused is not tried again, a second target is", function()
    local second = ("  - target: 127.0.0.1:%d\n"):format(peer.ports.expired)
    apply({ trusting[1], trusting[2], cas = root, upstreams = second })
    local attempts = peer:connections("expired")
    for _ = 1, 4 do
      local response = request()
      assert.equal(200, response.status)
      assert.is_true(#gateway:lines("%[error%]", response.headers["x-kong-request-id"]) <= 1)
    end
    assert.is_true(peer:connections("expired") - attempts <= 4)
    assert.is_true(peer:connections("expired") > attempts)
  end)
end)

describe("a reload", function()
  local guide = pki.guide()
  local peer, gateway

  local SECOND = [[
- name: second
  protocol: https
  host: second.svc
  tls_verify: true
  tls_verify_depth: %d
  ca_certificates: [%s]
  routes:
  - paths: [/second]
    preserve_host: true
]]

  -- The first service stays as it is, the second one's depth changes.
  local function config(listener, number)
    return file(peer.ports[listener], {
      "tls_verify: true", "ca_certificates: [" .. CA_ID .. "]",
      services = SECOND:format(number, CA_ID),
      upstreams = ("- name: second.svc\n  targets:\n  - target: 127.0.0.1:%d\n"):format(
        peer.ports[listener]),
      cas = { ca_entity(CA_ID, guide.root) },
    })
  end

  local function request(path)
    return gateway:get({ path = path or "/echo", host = "kong.example" })
  end

  setup(function()
    peer = upstreams.peer({
      pooled = { tls = guide.leaf },
      tickets = { tls = guide.leaf, close = true },
      no_tickets = { tls = guide.leaf, close = true, tickets = 0 },
    })
    gateway = helpers.gateway({ config = config("pooled", 1) })
  end)
  teardown(helpers.stop_all)

  it("keeps the connections of a service whose policy did not change", function()
    assert.equal(200, request().status)
    assert.equal(200, request("/second").status)
    local connections = peer:connections("pooled")
    assert.is_true(gateway:reload(config("pooled", 2)))
    local change = gateway:tls_change(function()
      assert.equal(200, request().status)
    end)
    assert.equal(1, change.connections_reused)
    assert.equal(0, change.connections_opened)
    assert.equal(connections, peer:connections("pooled"))
    change = gateway:tls_change(function()
      assert.equal(200, request("/second").status)
    end)
    assert.equal(1, change.connections_opened)
    assert.equal(1, change.handshakes_full)
  end)

  it("keeps its TLS sessions", function()
    assert.is_true(gateway:reload(config("tickets", 1)))
    assert.equal(200, request().status)
    assert.is_true(gateway:reload(config("tickets", 2)))
    local change = gateway:tls_change(function()
      assert.equal(200, request().status)
    end)
    assert.equal(1, change.handshakes_resumed)
    assert.equal(0, change.handshakes_full)
    assert.is_true(peer:last("handshake", "tickets").reused)
  end)

  it("keeps its verdicts", function()
    assert.is_true(gateway:reload(config("no_tickets", 1)))
    assert.equal(200, request().status)
    assert.is_true(gateway:reload(config("no_tickets", 2)))
    local change = gateway:tls_change(function()
      assert.equal(200, request().status)
    end)
    assert.equal(1, change.handshakes_full)
    assert.equal(1, change.verdict_hits)
    assert.is_false(peer:last("handshake", "no_tickets").reused)
  end)

  it("of an invalid file changes nothing and says where it is wrong", function()
    assert.is_true(gateway:reload(config("pooled", 1)))
    assert.equal(200, request().status)
    local text = config("pooled", 65)
    local line = 1
    for before in text:gmatch("([^\n]*)\n") do
      if before:find("tls_verify_depth: 65", 1, true) then
        break
      end
      line = line + 1
    end
    local applied, log = gateway:reload(text)
    assert.is_false(applied)
    assert.matches(("weir%%.yml:%d:21: services%%[1%%]%%.tls_verify_depth: "
      .. "value should be between 0 and 64"):format(line), log)
    local change = gateway:tls_change(function()
      assert.equal(200, request().status)
      assert.equal(200, request("/second").status)
    end)
    assert.is_true(change.connections_reused >= 1)
  end)
end)
