-- Kong OSS, apisix-nginx-module#126: when something failed inside while verification was being set
-- up, the request went out without it.
--
-- Each call into OpenSSL that can fail is made to fail, one after the other. No request may then
-- reach an upstream that is not trusted, and none a trusted one unless the handshake is whole.

local advisory = require("spec.support.advisory")
local calls = require("spec.fixtures.fault.calls")
local config = require("spec.support.config")
local fault = require("spec.support.fault")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")
local mime = require("mime")
local upstreams = require("spec.fixtures.upstreams")
local workspace = require("spec.support.workspace")

-- Services, each with a policy of its own.
local MANY, DEMANDING = 60, 16

-- -- upstreams and policies -----------------------------------------------------------------------

local root = advisory.root()
local stranger = forge.certificate({ subject = "stranger", ca = true })
local client = advisory.client(100, "gateway")

-- A leaf that has all that a policy can ask for.
local leaf = forge.certificate({ subject = "full", issuer = root, extensions = {
  forge.ext.san("dns", "full.example", "ip", "\127\0\0\9", "uri", "spiffe://full.example/one"),
  forge.ext.key_usage(0x80), forge.ext.eku("serverAuth"),
  forge.ext.subject_key(forge.key("full")), forge.ext.authority_key(root.key) } })

-- nginx, the one of the upstreams that staples. Its access log shows requests, and also alerts that
-- were sent in the place of a handshake.
local function stapling(status)
  local response = workspace.write(workspace.directory() .. "/response.der",
    forge.ocsp({ leaf = leaf, status = status }))
  local server = upstreams.nginx({ tls = forge.identity({ leaf }), extra =
    "keepalive_timeout 0; ssl_stapling on; ssl_stapling_file " .. response .. ";" })
  function server.requests()
    local _, count = helpers.read(server.directory .. "/access.log"):gsub('"GET ', "")
    return count
  end
  return server
end

local function pin(certificate)
  return mime.b64(forge.digest("SHA2-256", certificate.der))
end

-- A policy that uses all there is, with one field for a reason to refuse.
local function demanding(depth, field, value)
  local fields = {
    mode = "enforce", ca_certificates = { advisory.id(1) }, tls_verify_depth = depth,
    names = { dns = { "full.example" }, ip = { "127.0.0.9" },
      uri = { "spiffe://full.example/one" }, match = "all" },
    pins = { cert = { pin(leaf) } }, crl = { forge.crl({ issuer = root }) }, ocsp = "hard",
    client_certificate = client.id, strict = true, next_ca_certificates = { advisory.id(2) },
    ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256", ciphersuites = "TLS_AES_128_GCM_SHA256",
    groups = "P-256:X25519", sigalgs = "ECDSA+SHA256:RSA-PSS+SHA256",
  }
  if field then
    fields[field] = value
  end
  return { { name = "upstream-tls", config = fields } }
end

-- A CA, and a leaf of another one that took its name.
local rsa = forge.certificate({ subject = "RSA root", kind = "rsa2048", ca = true })
local forged = forge.certificate({ subject = "forged", extensions = {
  forge.ext.san("dns", "*.kong.example") },
  issuer = forge.certificate({ subject = "RSA root", key = "RSA thief", kind = "rsa2048",
    ca = true }) })

-- What nobody must ever reach: the reason is in the certificate, in the policy, or in the response.
local BAD = {
  stranger = {}, misnamed = {},
  forged = { fields = { ca_certificates = { advisory.id(3) } } },
  listed = { plugins = demanding(64, "crl", { forge.crl({ issuer = root, revoked = { leaf } }) }) },
  pinned = { plugins = demanding(64, "pins", { cert = { pin(root) } }) },
  unnamed = { plugins = demanding(64, "names", { uri = { "spiffe://full.example/two" } }) },
}

-- One service for each reason to refuse.
local UNWANTED = { "bad1", "bad2", "forged", "listed", "pinned", "unnamed", "revoked" }

describe("advisory 15, a fault inside", function()
  local world, faults, pid, full, revoked
  local hosts, contexts, whole = 0, {}, 0

  setup(function()
    if helpers.sanitized() then
      return
    end
    faults = fault.new()
    full, revoked = stapling("good"), stapling("revoked")
    local listeners = {
      good = { tls = advisory.leaf({ dns = "*.kong.example" }), close = true },
      stranger = { tls = advisory.leaf({ dns = "*.kong.example", issuer = stranger }) },
      misnamed = { tls = advisory.leaf({ dns = "*.elsewhere.example" }) },
      forged = { tls = forge.identity({ forged }) },
    }
    local services = { revoked = { plugins = demanding(64) } }
    for name, service in pairs(BAD) do
      listeners[name] = listeners[name] or { tls = forge.identity({ leaf }) }
      services[name] = service
      if service.plugins then
        service.plugins[1].config.ocsp = "soft"
      end
    end
    for i = 1, MANY do
      services["good" .. i] = { listener = "good",
        fields = { tls_verify_depth = i, client_certificate = client.id } }
      services["bad" .. i] = { listener = i % 2 == 1 and "stranger" or "misnamed",
        fields = { tls_verify_depth = i } }
    end
    for i = 1, DEMANDING do
      services["full" .. i] = { listener = "full", plugins = demanding(i) }
    end
    world = advisory.world({ listeners = listeners, services = {}, certificates = { client },
      cas = { root, stranger, rsa }, env = faults.env,
      settings = { upstream_tls_session_reuse = "off" } })
    world.peer.ports.full, world.peer.ports.revoked = full.port, revoked.port
    world.services = services
    assert.is_true(world:reload())
    pid = world.gateway:worker_pid()
  end)
  teardown(helpers.stop_all)

  local function send(service)
    hosts = hosts + 1
    local response = world.gateway:exchange(("GET /%s HTTP/1.1\r\nHost: h%d.kong.example\r\n"
      .. "Connection: close\r\n\r\n"):format(service, hosts))
    response.raw:close()
    whole = whole + (response.status == 200 and service:find("^full") and 1 or 0)
    return response.status
  end

  -- The status of a request during which the n-th call of the function fails; nil when there is no
  -- such call.
  local function during(name, n, service)
    faults:arm(name, n)
    local status = send(service)
    local hit = faults:hits() > 0
    faults:disarm()
    return hit and status or nil, status
  end

  -- A service whose policy has no context yet, as long as there is one.
  local function fresh(kind)
    contexts[kind] = (contexts[kind] or 0) % (kind == "full" and DEMANDING or MANY) + 1
    return kind .. contexts[kind]
  end

  local function alive()
    assert.equal(pid, world.gateway:worker_pid())
    for _, event in ipairs(world.peer:events("request")) do
      assert.is_nil(BAD[event.listener], event.listener)
    end
    assert.equal(0, revoked.requests())
    assert.equal(200, send("good1"))
    assert.equal(200, send("full1"))
    workspace.eventually(function() return full.requests() >= whole end, "nginx to log")
    assert.equal(whole, full.requests())
  end

  local function each(names, what, work)
    for _, name in ipairs(names) do
      it(what:format(name), function()
        if helpers.sanitized() then
          return pending("two libraries cannot both come first")
        end
        work(name)
        alive()
      end)
    end
  end

  -- Lets each call of the function fail, one after the other, until there is none that could; each
  -- with a request to a service. Returns how many there were.
  local function each_call(name, service, check)
    for n = 1, MANY do
      local status, anyway = during(name, n, service)
      check(status or anyway, n, status ~= nil)
      if not status then
        return n - 1
      end
    end
    return MANY
  end

  local function is_refused(status, n)
    assert.equal(502, status, "call " .. n)
  end

  each(calls.faults.context, "%s: no context, no request", function(name)
    local count = each_call(name, fresh("full"), function(status, n, failed)
      assert.equal(failed and 502 or 200, status, "call " .. n)
    end)
    assert.is_true(count > 0, "never called")
  end)

  each(calls.faults.context_first, "%s: no context, no request", function(name)
    assert.equal(502, (during(name, 1, fresh("full"))))
  end)

  each(calls.faults.connection, "%s: no connection, no request", function(name)
    assert.equal(200, send("full2"))
    assert.equal(502, (during(name, 1, "full2")))
    for _, service in ipairs(UNWANTED) do
      for n = 1, 4 do
        during(name, n, service)
      end
    end
  end)

  local function besides(name)
    local count = 0
    for _, service in ipairs(UNWANTED) do
      count = count + each_call(name, service, is_refused)
    end
    count = count + each_call(name, "full3", function(status)
      assert.is_true(status == 200 or status == 502)
    end)
    assert.is_true(count > 0, "never called")
  end

  each(calls.faults.besides, "%s: nothing worse than a refusal", besides)
  each(calls.beneath, "%s, of libssl: nothing worse than a refusal", besides)

  each(calls.faults.answer, "%s: no answer, none is made up", function(name)
    assert.equal(502, (during(name, 1, "good2")))
  end)

  -- All of the first allocations, then some of the rest.
  local function each_allocation(service, check)
    local n = 1
    while true do
      local status, anyway = during("malloc", n, service(n))
      check(status or anyway, n)
      if not status then
        return n
      end
      n = n < 40 and n + 1 or n + 13
    end
  end

  each({ "malloc" }, "%s, under an upstream that is not to be trusted: refused", function()
    local count = each_allocation(function() return fresh("bad") end, function(status, n)
      assert.equal(502, status, "allocation " .. n)
    end)
    assert.is_true(count > 100)
  end)

  each({ "malloc" }, "%s, under a trusted upstream: whole or refused", function()
    each_allocation(function() return fresh("good") end, function(status, n)
      assert.is_true(status == 200 or status == 502, "allocation " .. n)
    end)
  end)

  local function first_free_descriptor()
    local free = 0
    while helpers.run({ "test", "-e", ("/proc/%d/fd/%d"):format(pid, free) }).code == 0 do
      free = free + 1
    end
    return free
  end

  local function limit_descriptors(soft)
    local made = helpers.run({ "prlimit", "--pid", tostring(pid), ("--nofile=%d:"):format(soft) })
    assert(made.code == 0, made.stderr)
  end

  each({ "malloc" }, "%s, exhausted for good, under any upstream: refused", function()
    for _, from in ipairs({ 1, 10, 100, 400 }) do
      for _, service in ipairs({ "bad5", "revoked", "pinned" }) do
        faults:arm("malloc", from, true)
        local status = send(service)
        faults:disarm()
        assert.equal(502, status, "from allocation " .. from)
      end
    end
  end)

  each({ "socket" }, "%s: without descriptors, no connection", function()
    local gateway = world.gateway:connect()
    local function ask(service)
      gateway:send(("GET /%s HTTP/1.1\r\nHost: starved.kong.example\r\n\r\n"):format(service))
      return gateway:response().status
    end
    local before = world.peer:connections()
    assert.equal(200, ask("good1"))
    limit_descriptors(first_free_descriptor())
    local starved = ask("good1")
    limit_descriptors(1024)
    assert.equal(503, starved)
    assert.equal(before + 1, world.peer:connections())
    gateway:close()
  end)

  local number = 0

  -- A configuration with a bundle, a revocation list and a credential that were never seen before,
  -- so that nothing of it is known already.
  local function reload()
    number = number + 1
    world.cas[4] = forge.certificate({ subject = "extra " .. number, ca = true })
    world.certificates = { advisory.client(100, "gateway " .. number) }
    local both = { fields = { ca_certificates = { advisory.id(1), advisory.id(4) } } }
    return world:reload({ good1 = both, bad1 = both, full1 = { plugins = demanding(1, "crl",
      { forge.crl({ issuer = root, number = number }) }) } })
  end

  each(calls.faults.load, "%s while loading: refused, or fail closed", function(name)
    local hit = 0
    for n = 1, 12 do
      faults:arm(name, n)
      local applied, log = reload()
      local failed = faults:hits() > 0
      faults:disarm()
      if not failed then
        assert.is_true(applied)
        break
      end
      hit = hit + 1
      assert.equal(502, send("bad1"))
      if applied then
        for _, service in ipairs(UNWANTED) do
          assert.equal(502, send(service))
        end
        for _, service in ipairs({ "good1", "full1" }) do
          local status = send(service)
          assert.is_true(status == 200 or status == 502)
        end
      else
        assert.is_true(log:find("configuration refused", 1, true) ~= nil
          or log:find("reload failed", 1, true) ~= nil)
      end
    end
    assert.is_true(hit > 0, "never called")
    assert.is_true((reload()))
  end)
end)

-- Started anew for each fault, with two services.
describe("advisory 15, a fault at first", function()
  local peer, is_slim
  local listeners = {
    good = { tls = advisory.leaf({ dns = "kong.example" }), close = true, version = "1.2" },
    stranger = { tls = advisory.leaf({ dns = "kong.example", issuer = stranger }) },
  }

  -- A gateway during whose start, and whose first requests, the first call fails.
  local function start(name, settings)
    local faults = fault.new()
    local services = {}
    for listener in pairs(listeners) do
      services[listener] = { protocol = "https", port = peer.ports[listener], service = {
        tls_verify = true, ca_certificates = { advisory.id(1) }, retries = 0 } }
    end
    faults:arm(name, 1)
    return faults, pcall(helpers.gateway, { env = faults.env, settings = settings,
      config = config.build(services, {
        ca_certificates = { { id = advisory.id(1), cert = root.pem } } }) })
  end

  setup(function()
    peer = upstreams.peer(listeners)
    if not helpers.sanitized() then
      local _, _, gateway = start("")
      is_slim = gateway:logs():find("TLS client context: slim", 1, true) ~= nil
      gateway.process:stop()
    end
  end)
  teardown(helpers.stop_all)

  local function ask(gateway, service)
    return gateway:get({ path = "/" .. service, host = "kong.example" }).status
  end

  local function test(names, what, work)
    for _, name in ipairs(names) do
      it(what:format(name), function()
        if helpers.sanitized() then
          return pending("two libraries cannot both come first")
        end
        work(name)
        assert.equal(0, peer:count("request", "stranger"))
      end)
    end
  end

  local function at_start(name, hits)
    local faults, started, gateway = start(name)
    if started then
      assert.equal(502, ask(gateway, "stranger"))
      local status = ask(gateway, "good")
      assert.is_true(status == 200 or status == 502)
      gateway.process:stop()
    else
      assert.matches("the gateway ended", gateway)
    end
    assert.equal(hits, faults:hits())
  end

  test(calls.faults.start, "%s: no start, no request, or without it", function(name)
    at_start(name, 1)
  end)

  test(calls.faults.slim, "%s: no start, no request, or without it", function(name)
    at_start(name, is_slim and 1 or 0)
  end)

  test(calls.faults.session, "%s: no session", function(name)
    local faults, _, gateway = start("")
    ask(gateway, "good")
    ask(gateway, "good")
    assert.is_true(peer:last("handshake", "good").reused)
    local requests = peer:count("request", "good")
    faults:arm(name, 1)
    local status = ask(gateway, "good")
    assert.equal(1, faults:hits())
    if status == 200 then
      assert.is_false(peer:last("handshake", "good").reused)
    else
      assert.equal(502, status)
      assert.equal(requests, peer:count("request", "good"))
    end
    assert.equal(200, ask(gateway, "good"))
    gateway.process:stop()
  end)
end)
