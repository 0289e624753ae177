-- kong.service, kong.service.request, kong.tls, and the handles that they take.

local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")
local ssl = require("ngx.ssl")
local x509 = require("resty.openssl.x509")
local x509_store = require("resty.openssl.x509.store")

local kong

local CERT = "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n"
local KEY = "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n"

local function fails(code, ...)
  local ok, err = pcall(loadstring(code, "=plugin"), ...)
  assert.is_false(ok)
  return err
end

before_each(function()
  fake.install()
  kong = pdk.install({})
  fake.request = fake.new_request({ phase = "access" })
end)

describe("kong.service", function()
  it("chooses upstream, target, retries and timeouts", function()
    assert.is_true(kong.service.set_upstream("known"))
    assert.equal("known", fake.request.service.upstream)
    local ok, err = kong.service.set_upstream("unknown")
    assert.is_nil(ok)
    assert.equal("could not find an Upstream named 'unknown'", err)
    kong.service.set_target("h.example", 8443)
    assert.same({ "h.example", 8443 }, fake.request.service.target)
    kong.service.set_retries(0)
    assert.equal(0, fake.request.service.retries)
    kong.service.set_timeouts(1, 2, 3)
    assert.same({ 1, 2, 3 }, fake.request.service.timeouts)
  end)

  local cases = {
    { "set_upstream(1)", "host must be a string" },
    { "set_target(nil, 80)", "host must be a string" },
    { "set_target('h', '80')", "port must be an integer" },
    { "set_target('h', 1.5)", "port must be an integer" },
    { "set_target('h', 70000)", "port must be an integer between 0 and 65535: given 70000" },
    { "set_retries(1.5)", "retries must be an integer" },
    { "set_retries(-1)", "retries must be an integer between 0 and 32767: given -1" },
    { "set_target_retry_callback({})", "retry_callback must be a function" },
    { "set_timeouts(0, 1, 1)",
      "connect_timeout must be an integer between 1 and 2147483646: given 0" },
    { "set_timeouts(1, 'x', 1)", "write_timeout must be an integer" },
    { "set_timeouts(1, 1)", "read_timeout must be an integer" },
    { "set_tls_verify(1)", "argument must be a boolean" },
    { "set_tls_verify_depth('1')", "argument must be a number" },
    { "set_tls_verify_store({})", "argument must be a resty.openssl.x509.store object" },
    { "set_tls_verify_store(nil)", "argument must be a resty.openssl.x509.store object" },
    { "set_tls_cert_key('PEM', 'PEM')", "chain must be a parsed cdata object" },
    { "set_tls_policy({})", "argument must be a policy of kong.tls.policy" },
  }
  for _, case in ipairs(cases) do
    it("blames the caller of " .. case[1], function()
      assert.equal("plugin:1: " .. case[2], fails("kong.service." .. case[1]))
    end)
  end

  describe("verification", function()
    it("is switched on and off", function()
      assert.is_true(kong.service.set_tls_verify(true))
      assert.equal(1, fake.request.service.verify)
      assert.is_true(kong.service.set_tls_verify(false))
      assert.equal(0, fake.request.service.verify)
    end)

    it("takes a depth", function()
      assert.is_true(kong.service.set_tls_verify_depth(0))
      assert.equal(0, fake.request.service.depth)
      assert.is_true(kong.service.set_tls_verify_depth(1000))
      assert.equal(100, fake.request.service.depth)
    end)

    for _, depth in ipairs({ -1, 0.5, 0 / 0, -1 / 0 }) do
      it("refuses the request for the depth " .. tostring(depth), function()
        local ok, err = kong.service.set_tls_verify_depth(depth)
        assert.is_nil(ok)
        assert.equal("a verification depth is between 0 and 100", err)
        assert.is_true(fake.request.service.failed)
      end)
    end

    it("takes a store, whose bundle is made once and again after a change", function()
      local store = assert(x509_store.new())
      assert.is_true(store:add(assert(x509.new(CERT:format("one")))))
      assert.is_true(kong.service.set_tls_verify_store(store))
      assert.same({ CERT:format("one") }, fake.request.service.trust)
      local made = fake.handles
      assert.is_true(kong.service.set_tls_verify_store(store))
      assert.equal(made, fake.handles)
      store:add(x509.new(CERT:format("two")))
      assert.is_true(kong.service.set_tls_verify_store(store))
      assert.same({ CERT:format("one"), CERT:format("two") }, fake.request.service.trust)
    end)

    it("trusts nobody with an empty store", function()
      assert.is_true(kong.service.set_tls_verify_store(x509_store.new()))
      assert.same({}, fake.request.service.trust)
    end)

    it("refuses the request when the store's bundle cannot be made", function()
      local store = x509_store.new()
      store:add(x509.new(CERT:format("bad")))
      local ok, err = kong.service.set_tls_verify_store(store)
      assert.is_nil(ok)
      assert.equal("text 1, block 1 does not parse", err)
      assert.is_true(fake.request.service.failed)
    end)

    it("takes a certificate and its key, paired once", function()
      local chain = assert(ssl.parse_pem_cert(CERT:format("c")))
      local key = assert(ssl.parse_pem_priv_key(KEY:format("k")))
      assert.equal("cdata", type(chain))
      assert.equal("cdata", type(key))
      assert.is_true(kong.service.set_tls_cert_key(chain, key))
      assert.same({ cert = CERT:format("c"), key = KEY:format("k") },
        fake.request.service.credential)
      local made = fake.handles
      kong.service.set_tls_cert_key(chain, key)
      assert.equal(made, fake.handles)
      kong.service.set_tls_cert_key(chain, ssl.parse_pem_priv_key(KEY:format("other")))
      assert.equal(KEY:format("other"), fake.request.service.credential.key)
    end)

    it("does not take one for the other", function()
      local chain = ssl.parse_pem_cert(CERT:format("c"))
      local key = ssl.parse_pem_priv_key(KEY:format("k"))
      assert.equal("plugin:1: chain must be a parsed cdata object",
        fails("kong.service.set_tls_cert_key(...)", key, key))
      assert.equal("plugin:1: key must be a parsed cdata object",
        fails("kong.service.set_tls_cert_key(...)", chain, chain))
    end)

    it("refuses the request when they do not belong together", function()
      local ok, err = kong.service.set_tls_cert_key(ssl.parse_pem_cert(CERT:format("c")),
        ssl.parse_pem_priv_key(KEY:format("bad")))
      assert.is_nil(ok)
      assert.equal("certificate does not match key", err)
      assert.is_true(fake.request.service.failed)
    end)

    it("takes a policy made beforehand", function()
      local trust = assert(kong.tls.trust({ CERT:format("c") }))
      local credential = assert(kong.tls.credential(CERT:format("c"), KEY:format("k")))
      local policy = assert(kong.tls.policy({
        verify = true, depth = 2, trust = trust, credential = credential,
      }))
      assert.is_true(kong.service.set_tls_policy(policy))
      assert.same({
        verify = 1, depth = 2, trust = { CERT:format("c") },
        credential = { cert = CERT:format("c"), key = KEY:format("k") },
      }, fake.request.service.policy)
    end)
  end)
end)

describe("kong.service.get_tls_verdict", function()
  it("says how the upstream was judged", function()
    fake.request = fake.new_request({ phase = "log", verdict = {
      code = "expired", openssl = 10, text = "certificate has expired", depth = 1, subject = "CN=i",
      sha256 = "ab", not_after = 1700000000, mode = "report", resumed = 0, cached = 1,
    } })
    assert.same({
      code = "expired", openssl = 10, text = "certificate has expired", depth = 1, subject = "CN=i",
      sha256 = "ab", not_before = 0, not_after = 1700000000, mode = "report", resumed = false,
      cached = true,
    }, kong.service.get_tls_verdict())
  end)

  it("has no depth without a certificate at fault", function()
    fake.request = fake.new_request({
      phase = "header_filter", verdict = { code = "ok", depth = -1, ocsp = "bad" },
    })
    local verdict = kong.service.get_tls_verdict()
    assert.same({ "ok", "bad" }, { verdict.code, verdict.ocsp })
    assert.is_nil(verdict.depth)
  end)

  it("says nothing when nothing was judged", function()
    fake.request = fake.new_request({ phase = "log" })
    assert.is_nil(kong.service.get_tls_verdict())
  end)

  it("is not known before", function()
    fake.request = fake.new_request({ phase = "access" })
    assert.has_error(kong.service.get_tls_verdict)
  end)
end)

describe("kong.tls", function()
  it("trusts nobody, and is as deep as chains go, when nothing else is said", function()
    local policy = kong.tls.policy({ verify = true })
    assert.same({ verify = 1, depth = 100, trust = {} }, fake.content_of(policy))
    policy = kong.tls.policy({ verify = false })
    assert.equal(2, fake.content_of(policy).verify)
  end)

  it("takes all fields of a policy", function()
    local nextone = assert(kong.tls.trust({ "next" }))
    local policy = assert(kong.tls.policy({
      mode = "report", next = nextone, partial_chain = true, strict = true, verify_name = true,
      names = { dns = { "a.x" }, match = "all" }, sni = "b.x", pins = { cert = { ("0"):rep(64) } },
      crl = { "CRL" }, crl_check = "chain", min_version = "TLSv1.3", max_version = "TLSv1.3",
      ciphers = "c", ciphersuites = "d", groups = "g", sigalgs = "s", security_level = 1,
      ocsp = "hard", alpn = "none",
    }))
    assert.same({
      verify = 3, depth = 100, trust = {}, next = { "next" }, partial_chain = 1, strict = 1,
      names = { { 1, "a.x" } }, names_all = 1, sni = 2, sni_name = "b.x",
      pins = { { 1, ("0"):rep(64) } }, crls = { "CRL" }, crl_chain = 1, min_version = 0x0304,
      max_version = 0x0304, ciphers = "c", ciphersuites = "d", groups = "g", sigalgs = "s",
      security_level = 1, ocsp = 2, alpn = "none",
    }, fake.content_of(policy))
  end)

  it("returns what is wrong with certificates", function()
    local trust, err = kong.tls.trust({ "bad" })
    assert.is_nil(trust)
    assert.equal("text 1, block 1 does not parse", err)
    local credential
    credential, err = kong.tls.credential("bad", "k")
    assert.is_nil(credential)
    assert.equal("certificate does not match key", err)
  end)

  local cases = {
    { "trust('x')", "pems must be a table" }, { "credential(1, '')", "cert must be a string" },
    { "credential('', 1)", "key must be a string" }, { "policy(1)", "choice must be a table" },
    { "policy({})", "verify must be a boolean" },
    { "policy({ verify = true, trust = {} })", "trust must be of kong.tls.trust" },
    { "policy({ verify = true, credential = 1 })", "credential must be of kong.tls.credential" },
    { "policy({ mode = 'on' })", "mode must be one of: enforce, report, off" },
    { "policy({ mode = 'off', verify = true })", "only one of verify and mode can be set" },
    { "policy({ verify = true, vreify_name = false })", "unknown field 'vreify_name'" },
    { "policy({ verify = true, names = 'a.x' })", "names must be a table" },
    { "policy({ verify = true, names = {} })", "names must name at least one of: dns, ip, uri" },
    { "policy({ verify = true, names = { cn = {} } })", "names has an unknown field 'cn'" },
    { "policy({ verify = true, names = { dns = { '*.x' } } })",
      "names dns [1] is not a DNS name" },
    { "policy({ verify = true, names = { dns = { a = 1 } } })", "names dns must be a list" },
    { "policy({ verify = true, pins = { spki = { 'x' } } })",
      "pins spki [1] is not a SHA-256 (64 hexadecimal digits, or base64)" },
    { "policy({ verify = true, crl_check = 'leaf' })", "crl_check needs a crl" },
    { "policy({ verify = true, crl = {} })", "crl must not be empty" },
    { "policy({ verify = true, ocsp = true })", "ocsp must be one of: off, soft, hard" },
    { "policy({ verify = true, sni = '' })",
      "sni is not upstream_host, host, none or a DNS name" },
    { "policy({ verify = true, security_level = 6 })",
      "security_level must be an integer between 0 and 5" },
    { "policy({ verify = true, next = true })", "next must be of kong.tls.trust" },
    { "policy({ verify = true, ciphers = '' })", "ciphers must be a text" },
    { "policy({ verify = true, strict = 1 })", "strict must be a boolean" },
    { "policy({ verify = true, min_version = 'TLSv1.3', max_version = 'TLSv1.2' })",
      "min_version TLSv1.3 is above max_version TLSv1.2" },
    { "policy({ verify = true, depth = -1 })", "depth must be an integer between 0 and 100" },
    { "policy({ verify = true, depth = 0/0 })", "depth must be an integer between 0 and 100" },
  }
  for _, case in ipairs(cases) do
    it("blames the caller of " .. case[1], function()
      assert.equal("plugin:1: " .. case[2], fails("kong.tls." .. case[1]))
    end)
  end
end)

describe("ngx.ssl and resty.openssl", function()
  it("say what is no certificate or key", function()
    assert.same({ nil, "not a certificate" }, { ssl.parse_pem_cert("x") })
    assert.same({ nil, "no private key in the PEM text" }, { ssl.parse_pem_priv_key("x") })
    assert.same({ nil, "x509.new: not a certificate" }, { x509.new("x") })
    assert.is_nil((x509.new(nil)))
    assert.same({ nil, "x509.store:add: expect an x509 instance at #1" },
      { x509_store.new():add("x") })
  end)

  it("know their own", function()
    local certificate = x509.new(CERT:format("c"))
    assert.is_true(x509.istype(certificate))
    assert.is_false(x509.istype({}))
    assert.equal(CERT:format("c"), certificate:to_PEM())
    assert.is_true(x509_store.istype(x509_store.new()))
    assert.is_false(x509_store.istype(certificate))
  end)
end)

describe("kong.service.request", function()
  local request

  before_each(function()
    request = kong.service.request
    fake.request = fake.new_request({
      phase = "access", headers = { Accept = "x", ["Content-Type"] = "application/json" },
      texts = { SERVICE_QUERY_OUT = "a=1&b=2&a=3&c&%61=4" },
    })
  end)

  it("changes scheme, method and path", function()
    request.set_scheme("https")
    assert.equal(1, fake.request.service.tls)
    request.set_method("PATCH")
    assert.equal("PATCH", fake.request.service.method)
    request.set_path("/a b/%41?x#\195\164")
    assert.equal("/a%20b/%41%3Fx%23%C3%A4", fake.request.service.path)
  end)

  it("changes the query", function()
    request.set_raw_query("x=%20")
    assert.equal("x=%20", fake.request.service.query)
    request.set_query({ b = { 1, true, "x y" }, a = true, ["c&"] = "ä", d = false })
    assert.equal("a&b=1&b&b=x%20y&c%26=%C3%A4", fake.request.service.query)
    request.clear_query_arg("a")
    assert.equal("b=2&c", fake.request.service.query)
  end)

  it("changes headers", function()
    request.set_header("Accept", "y")
    request.add_header("Accept", "z")
    assert.same({ "y", "z" }, fake.header("UPSTREAM", "accept"))
    request.set_headers({ Accept = { "1", "2" }, ["X-A"] = 1 })
    assert.same({ "1", "2" }, fake.header("UPSTREAM", "accept"))
    request.clear_header("ACCEPT")
    assert.same({}, fake.header("UPSTREAM", "accept"))
    assert.same({ "1" }, fake.header("REQUEST", "x-a"))
  end)

  it("changes the body, with its type", function()
    request.set_raw_body("raw")
    assert.equal("raw", fake.request.service.body)
    assert.is_true(request.set_body({ a = 1 }))
    assert.equal('{"a":1}', fake.request.service.body)
    assert.is_true(request.set_body({ a = "x y" }, "application/x-www-form-urlencoded"))
    assert.equal("a=x%20y", fake.request.service.body)
    assert.same({ "application/x-www-form-urlencoded" }, fake.header("UPSTREAM", "content-type"))
  end)

  it("writes multipart that it can read", function()
    assert.is_true(request.set_body({ a = "1\r\n", b = 2 }, "multipart/form-data"))
    local content_type = fake.header("UPSTREAM", "content-type")[1]
    assert.matches("^multipart/form%-data; boundary=%x+$", content_type)
    fake.request.body = fake.request.service.body
    assert.same({ a = "1\r\n", b = "2" }, (kong.request.get_body()))
    assert.is_nil((request.set_body({ a = {} }, "multipart/form-data")))
  end)

  it("says what it cannot encode", function()
    assert.same({ nil, "unsupported content type 'text/x'" }, { request.set_body({}, "text/x") })
    fake.request = fake.new_request({ phase = "access" })
    assert.same({ nil, "content type was neither explicitly given as an argument or received as a "
      .. "header" }, { request.set_body({}) })
  end)

  local cases = {
    { "set_scheme('ftp')", "invalid scheme: ftp" }, { "set_scheme()", "scheme must be a string" },
    { "set_path('x')", "path must start with /" }, { "set_path(1)", "path must be a string" },
    { "set_method('FETCH')", "invalid method: FETCH" },
    { "set_method()", "method must be a string" },
    { "set_raw_query(1)", "query must be a string" }, { "set_query('')", "args must be a table" },
    { "set_query({ 1 })", "arg keys must be strings" },
    { "clear_query_arg()", "query argument name must be a string" },
    { "set_raw_body()", "body must be a string" }, { "set_body('')", "args must be a table" },
    { "set_body({}, 1)", "mimetype must be a string" },
    { "set_header(1, '')", 'invalid header name "1": got number, expected string' },
    { "set_header('a', '\\n')", "not a header name, or a value with control characters" },
    { "clear_header()", 'invalid header name "nil": got nil, expected string' },
  }
  for _, case in ipairs(cases) do
    it("blames the caller of " .. case[1], function()
      assert.equal("plugin:1: " .. case[2], fails("kong.service.request." .. case[1]))
    end)
  end

  it("comes before anything went upstream", function()
    fake.request.phase = "header_filter"
    assert.equal("plugin:1: function cannot be called in header_filter phase (only in: rewrite, "
      .. "access)", fails("kong.service.request.set_method('GET')"))
  end)
end)
