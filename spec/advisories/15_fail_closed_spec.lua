-- Kong OSS, apisix-nginx-module#126: when something failed inside while verification was being set
-- up, the request went out without it.
--
-- Each call into OpenSSL that can fail is made to fail, one after the other. No request may then
-- reach an upstream that is not trusted, and none a trusted one unless the handshake is whole.

local advisory = require("spec.support.advisory")
local fault = require("spec.support.fault")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")

-- Called while the context of a policy is made: each service here has a policy of its own.
local CONTEXT = {
  "SSL_CTX_new_ex", "SSL_CTX_set_cipher_list", "SSL_CTX_set_alpn_protos", "SSL_CTX_ctrl",
  "X509_VERIFY_PARAM_set_purpose", "X509_VERIFY_PARAM_set_trust",
  "SSL_CTX_set_session_id_context", "SSL_CTX_use_cert_and_key",
}
-- Called for each connection, first by weir itself: without that call there is none.
local CONNECTION = {
  "SSL_new", "BIO_new", "SSL_set_ex_data", "SSL_ctrl", "X509_STORE_CTX_new_ex",
  "X509_STORE_CTX_init", "X509_verify_cert", "X509_check_host",
}
-- Called for things that one may do without, such as remembering a verdict; and by libssl.
local BESIDES = {
  "i2d_X509", "X509_get0_pubkey", "EVP_MD_CTX_new", "EVP_DigestInit_ex2", "EVP_DigestUpdate",
  "EVP_DigestFinal_ex", "OPENSSL_sk_new_null", "OPENSSL_sk_push", "X509_STORE_CTX_set_default",
  "X509_VERIFY_PARAM_set_flags", "X509_STORE_CTX_get1_certs",
  "X509_verify",
}
-- Called while a configuration is loaded.
local LOAD = {
  "X509_STORE_new", "X509_STORE_add_cert", "X509_new_ex", "d2i_X509", "BIO_new_mem_buf",
  "PEM_read_bio", "PEM_read_bio_PrivateKey", "X509_check_private_key", "i2d_PrivateKey",
  "EVP_MD_CTX_new", "EVP_DigestInit_ex2", "EVP_DigestUpdate", "EVP_DigestFinal_ex",
  "OPENSSL_sk_new_null", "OPENSSL_sk_push",
}

local MANY = 60

describe("advisory 15, a fault inside", function()
  local world, faults, pid
  local hosts, contexts = 0, 0

  setup(function()
    if helpers.sanitized() then
      return
    end
    faults = fault.new()
    local stranger = forge.certificate({ subject = "stranger", ca = true })
    local services = {}
    local client = advisory.client(100, "gateway")
    for i = 1, MANY do
      services["good" .. i] = { listener = "good",
        fields = { tls_verify_depth = i, client_certificate = client.id } }
      services["bad" .. i] = { listener = i % 2 == 1 and "stranger" or "misnamed",
        fields = { tls_verify_depth = i } }
    end
    world = advisory.world({
      listeners = {
        good = { tls = advisory.leaf({ dns = "*.kong.example" }), close = true },
        stranger = { tls = advisory.leaf({ dns = "*.kong.example", issuer = stranger }) },
        misnamed = { tls = advisory.leaf({ dns = "*.elsewhere.example" }) },
      },
      services = services,
      certificates = { client },
      env = faults.env,
      settings = { upstream_tls_session_reuse = "off" },
    })
    pid = world.gateway:worker_pid()
  end)
  teardown(helpers.stop_all)

  local function send(service)
    hosts = hosts + 1
    local response = world.gateway:exchange(("GET /%s HTTP/1.1\r\nHost: h%d.kong.example\r\n"
      .. "Connection: close\r\n\r\n"):format(service, hosts))
    response.raw:close()
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

  local function fresh(kind)
    contexts = contexts % MANY + 1
    return kind .. contexts
  end

  local function alive()
    assert.equal(pid, world.gateway:worker_pid())
    assert.equal(0, world.peer:count("request", "stranger"))
    assert.equal(0, world.peer:count("request", "misnamed"))
    assert.equal(200, send("good1"))
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

  each(CONTEXT, "%s: no context, no request", function(name)
    local requests = world.peer:count("request", "good")
    local n = 1
    while true do
      local status, anyway = during(name, n, fresh("good"))
      if not status then
        assert.equal(200, anyway)
        break
      end
      assert.equal(502, status, "call " .. n)
      n = n + 1
    end
    assert.is_true(n > 1, "never called")
    assert.equal(requests + 1, world.peer:count("request", "good"))
  end)

  each(CONNECTION, "%s: no connection, no request", function(name)
    assert.equal(200, send("good2"))
    local requests = world.peer:count("request", "good")
    assert.equal(502, during(name, 1, "good2"))
    assert.equal(requests, world.peer:count("request", "good"))
    for n = 2, 4 do
      during(name, n, "bad2")
    end
  end)

  each(BESIDES, "%s: nothing worse than a refusal", function(name)
    for _, service in ipairs({ "bad3", "bad4" }) do
      for n = 1, 60 do
        local status, anyway = during(name, n, service)
        assert.equal(502, anyway, "call " .. n)
        if not status then
          break
        end
      end
    end
    for n = 1, 60 do
      local status = during(name, n, "good3")
      assert.is_true(not status or status == 200 or status == 502)
      if not status then
        break
      end
    end
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

  local number = 0

  -- A configuration with a bundle and a credential that were never seen before, so that nothing of
  -- it is known already.
  local function reload()
    number = number + 1
    world.cas[2] = forge.certificate({ subject = "extra " .. number, ca = true })
    local client = advisory.client(100, "gateway " .. number)
    world.certificates = { client }
    local both = { fields = { ca_certificates = { advisory.id(1), advisory.id(2) } } }
    return world:reload({ good1 = both, bad1 = both })
  end

  each(LOAD, "%s while loading: refused, or fail closed", function(name)
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
        local status = send("good1")
        assert.is_true(status == 200 or status == 502)
      else
        assert.is_true(log:find("configuration refused", 1, true) ~= nil
          or log:find("reload failed", 1, true) ~= nil)
      end
    end
    assert.is_true(hit > 0, "never called")
    assert.is_true((reload()))
  end)
end)
