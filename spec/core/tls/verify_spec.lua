-- Every row is a real handshake with a chain that openssl made; numbers are those that Kong logs
-- for the same chain.

local tls = require "spec.support.tls"
local pki = require "spec.fixtures.pki"
local forge = require "spec.support.forge"
local ffi = require "ffi"

local function hex(text)
  return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- A subjectAltName that openssl's own syntax cannot say: one dNSName of these very bytes.
local function raw_dns(bytes)
  local name = "\x82" .. string.char(#bytes) .. bytes
  return "DER:" .. hex("\x30" .. string.char(#name) .. name)
end

local function issue(name, want)
  want.issuer = want.issuer or pki.get("inter")
  want.subject = want.subject or "/CN=kong.example"
  return function()
    return pki.issue(name, want)
  end
end

local function get(name)
  return function()
    return pki.get(name)
  end
end

local function alone(name)
  return function()
    return pki.alone(pki.get(name))
  end
end

local guide = {}
for _, name in ipairs({ "root", "inter", "leaf" }) do
  guide[name] = function()
    return pki.guide()[name]
  end
end

local ROOT, OTHER = { get("root") }, { get("other_root") }

-- what, chain, trusted, depth, code, OpenSSL's number, [name to verify], [depth at fault]
local rows = {
  { "the guide's chain", guide.leaf, { guide.root }, 100, "ok", 0 },
  { "the guide's chain at depth 1", guide.leaf, { guide.root }, 1, "ok", 0 },
  { "the guide's chain at depth 0", guide.leaf, { guide.root }, 0, "depth_exceeded", 22, nil, 1 },
  { "the guide's chain without its CA", guide.leaf, {}, 100, "untrusted_issuer", 20 },
  { "the guide's chain without its CA at depth 0", guide.leaf, {}, 0, "depth_exceeded", 22 },
  { "a chain of three intermediates at depth 3", get("deep3"), ROOT, 3, "ok", 0 },
  { "a chain of three intermediates at depth 2", get("deep3"), ROOT, 2, "depth_exceeded", 22 },
  { "a leaf without its intermediate", alone("leaf"), ROOT, 100, "untrusted_issuer", 20, nil, 0 },
  { "a leaf without its intermediate, which is in the bundle", alone("leaf"),
    { get("root"), get("inter") }, 1, "ok", 0 },
  { "an intermediate as the only CA", get("leaf"), { get("inter") }, 100, "untrusted_issuer", 2 },
  { "another CA", get("leaf"), OTHER, 100, "untrusted_issuer", 20 },
  { "another CA at depth 0", get("leaf"), OTHER, 0, "depth_exceeded", 22 },
  { "a leaf directly under the root at depth 0", get("under_root"), ROOT, 0, "ok", 0 },
  { "a self-signed certificate that is trusted", get("self_signed_ca"), { get("self_signed_ca") },
    0, "ok", 0 },
  { "a self-signed certificate that is not", get("self_signed"), ROOT, 100, "self_signed", 18, nil,
    0 },
  { "a chain with a root that is not trusted", get("with_root"), OTHER, 100, "untrusted_issuer", 19,
    nil, 2 },
  { "a chain with the trusted root in it", get("with_root"), ROOT, 1, "ok", 0 },
  { "the name of the root with another key", get("plain_leaf"), { get("impostor_root") }, 100,
    "bad_signature", 7 },
  { "an expired leaf", get("expired"), ROOT, 100, "expired", 10, nil, 0 },
  { "a leaf of the future", get("not_yet"), ROOT, 100, "not_yet_valid", 9, nil, 0 },
  { "a certificate for clients only", get("client_only"), ROOT, 100, "wrong_purpose", 26, nil, 0 },
  { "a certificate for mail only",
    issue("mail", { san = "DNS:kong.example", eku = "emailProtection" }), ROOT, 100,
    "wrong_purpose", 26 },
  { "a leaf as issuer", issue("by_leaf", { san = "DNS:kong.example", issuer = pki.get("leaf") }),
    ROOT, 100, "not_a_ca", 79, nil, 1 },
  { "another name", get("wrong_name"), ROOT, 100, "name_mismatch", 62, nil, 0 },
  { "an empty name", get("leaf"), ROOT, 100, "name_mismatch", 62, "" },
  { "names that only begin alike", get("name_prefix"), ROOT, 100, "name_mismatch", 62 },
  { "the name in e-mail and URI", get("name_in_email"), ROOT, 100, "name_mismatch", 62 },
  { "the name as common name only", get("cn_only"), ROOT, 100, "name_mismatch", 62 },
  { "a NUL after the name", issue("nul", { san = raw_dns("kong.example\0.evil.test") }), ROOT, 100,
    "name_mismatch", 62 },
  { "a leading dot", issue("dot", { san = raw_dns(".example") }), ROOT, 100, "name_mismatch", 62 },
  { "the second of two names", get("two_names"), ROOT, 100, "ok", 0, "Other.Example.:8443" },
  { "a wildcard", issue("star", { san = "DNS:*.up.example" }), ROOT, 100, "ok", 0, "a.up.example" },
  { "a wildcard over two labels", issue("star", { san = "DNS:*.up.example" }), ROOT, 100,
    "name_mismatch", 62, "a.b.up.example" },
  { "a wildcard for part of a label", issue("part", { san = "DNS:a*.up.example" }), ROOT, 100,
    "name_mismatch", 62, "ab.up.example" },
  { "an address", get("ip"), ROOT, 100, "ok", 0, "127.0.0.1:443" },
  { "another address", get("ip_other"), ROOT, 100, "name_mismatch", 64, "127.0.0.1" },
  { "an address in a DNS name", get("ip_as_dns"), ROOT, 100, "name_mismatch", 64, "127.0.0.1" },
  { "an IPv6 address", issue("ip6", { san = "IP:::1" }), ROOT, 100, "ok", 0,
    "[0:0:0:0:0:0:0:1]:443" },
}

for _, version in ipairs({ 0x0303, 0x0304 }) do
  describe(("verify, TLS %s:"):format(version == 0x0303 and "1.2" or "1.3"), function()
    after_each(tls.close_all)

    for _, row in ipairs(rows) do
      local what, chain, trusted, depth, code, number, name, at = unpack(row, 1, 8)
      it(("%s: %s"):format(what, code), function()
        local pems = {}
        for i, ca in ipairs(trusted) do
          pems[i] = pki.pem(ca())
        end
        local policy = assert(tls.policy({
          trust = assert(tls.trust(unpack(pems))), depth = depth, min_version = version,
            max_version = version,
        }))
        local client = assert(tls.client(policy))
        local server = assert(tls.server({}, tls.identity(chain())))
        local near = tls.handshake(client, server, name)
        local verdict = near:verdict()
        assert.same({ code, number }, { verdict.code, verdict.openssl })
        if code == "ok" then
          assert.is_true(near.ready)
          assert.is_nil(near.failed)
          assert.equal(-1, verdict.depth)
        else
          assert.is_false(near.ready)
          assert.equal("tls_verify", near.failed)
          assert.is_true(verdict.subject ~= "" and verdict.issuer ~= "" and verdict.not_after > 0)
          assert.is_true(verdict.sha256 ~= ("\0"):rep(32))
        end
        if at then
          assert.equal(at, verdict.depth)
        end
      end)
    end
  end)
end

describe("verify", function()
  after_each(tls.close_all)

  local function visit(client, identity, name)
    return (tls.visit(client, assert(tls.server({}, tls.identity(identity))), name))
  end

  it("takes any chain, unjudged, only where the policy says so", function()
    local client = assert(tls.client(tls.no_verify({ resume = false })))
    for _, name in ipairs({ "leaf", "self_signed", "expired", "wrong_name" }) do
      local verdict = visit(client, pki.get(name), "kong.example")
      assert.same({ "unverified", 0, -1 }, { verdict.code, verdict.openssl, verdict.depth })
    end
    assert.equal(4, tonumber(client.stats.full))
    assert.equal(0, tonumber(client.stats.verdict_hits))
  end)

  it("judges a chain once, and each chain and name for itself", function()
    local client = assert(tls.client(assert(tls.policy({ resume = false }))))
    assert.is_false(visit(client, pki.get("two_names")).cached)
    assert.is_true(visit(client, pki.get("two_names")).cached)
    assert.is_false(visit(client, pki.get("two_names"), "other.example").cached)
    assert.is_false(visit(client, pki.get("leaf")).cached)
    assert.equal("name_mismatch", visit(client, pki.get("two_names"), "third.example").code)
    assert.equal("name_mismatch", visit(client, pki.get("two_names"), "third.example").code)
    assert.equal(1, tonumber(client.stats.verdict_hits))
    assert.equal(2, tonumber(client.stats.failed))
  end)

  it("keeps verdicts of one policy from another", function()
    local policy = assert(tls.policy({ resume = false }))
    local deep, flat = assert(tls.client(policy)), assert(tls.client(assert(tls.policy({ depth = 0,
      resume = false }))))
    assert.equal("ok", visit(deep, pki.get("leaf")).code)
    assert.equal("depth_exceeded", visit(flat, pki.get("leaf")).code)
    assert.is_true(visit(deep, pki.get("leaf")).cached)
    assert.equal("depth_exceeded", visit(flat, pki.get("leaf")).code)
  end)

  it("lets a chain pass in report mode, and says what enforcing would have said", function()
    local client = assert(tls.client(assert(tls.policy({ verify = tls.C.POLICY_REPORT }))))
    local cache = ffi.gc(ffi.new("struct session_cache"), tls.C.session_clear)
    for name, code in pairs({ expired = "expired", wrong_name = "name_mismatch",
      self_signed = "self_signed", client_only = "wrong_purpose" }) do
      local server = assert(tls.server({}, tls.identity(pki.get(name))))
      for _ = 1, 2 do
        local verdict, near = tls.visit(client, server, "kong.example", cache)
        assert.is_true(near.ready)
        assert.same({ code, true, false, false },
          { verdict.code, verdict.report, verdict.resumed, verdict.cached })
        assert.equal(0, cache.count)
      end
    end
    assert.same({ 8, 0 }, { tonumber(client.stats.reported), tonumber(client.stats.failed) })
    local good = visit(client, pki.get("leaf"))
    assert.same({ "ok", true }, { good.code, good.report })
    assert.equal(8, tonumber(client.stats.reported))
  end)

  it("judges by the next bundle beside, without effect", function()
    local function client(current, following)
      return assert(tls.client(assert(tls.policy({
        trust = assert(tls.trust(pki.pem(pki.get(current)))),
        next = assert(tls.trust(pki.pem(pki.get(following)))), resume = false }))))
    end
    local to_other, to_same = client("root", "other_root"), client("root", "root")
    for round = 1, 2 do
      local verdict = visit(to_other, pki.get("leaf"))
      assert.same({ "ok", "untrusted_issuer", round == 2 },
        { verdict.code, verdict.next, verdict.cached })
      assert.equal("ok", visit(to_same, pki.get("leaf")).next)
    end
    assert.same({ 0, 2 }, { tonumber(to_other.stats.next_good), tonumber(to_other.stats.next_bad) })
    assert.same({ 2, 0 }, { tonumber(to_same.stats.next_good), tonumber(to_same.stats.next_bad) })
    local refused, near = tls.visit(client("other_root", "root"),
      assert(tls.server({}, tls.identity(pki.get("leaf")))))
    assert.same({ "untrusted_issuer", "ok", "tls_verify" },
      { refused.code, refused.next, near.failed })
  end)

  it("compares pins of the certificate and of its key", function()
    local root = forge.certificate({ subject = "pin root", ca = true })
    local leaf = forge.certificate({ subject = "pin leaf", issuer = root })
    local renewed = forge.certificate({ subject = "pin leaf", issuer = root })
    local whole, key = forge.digest("SHA256", leaf.der), forge.digest("SHA256", leaf.key.spki)
    local backup = ("b"):rep(32)
    local CERT, KEY = tls.C.PIN_CERTIFICATE, tls.C.PIN_KEY
    for _, row in ipairs({
      { { { CERT, whole } }, "ok", "pin_mismatch" },
      { { { KEY, key } }, "ok", "ok" },
      { { { KEY, backup }, { CERT, backup }, { KEY, key } }, "ok", "ok" },
      { { { KEY, backup } }, "pin_mismatch", "pin_mismatch" },
      { { { KEY, whole } }, "pin_mismatch", "pin_mismatch" },
      { { { CERT, key } }, "pin_mismatch", "pin_mismatch" },
    }) do
      local policy = assert(tls.policy({ trust = assert(tls.trust(root.pem)), pins = row[1] }))
      assert.equal(row[2], tls.judge(policy, { leaf.pem }, "kong.example").code)
      assert.equal(row[3], tls.judge(policy, { renewed.pem }, "kong.example").code)
      assert.equal("name_mismatch", tls.judge(policy, { leaf.pem }, "other.example").code)
    end
  end)

  it("refuses keys below the security level", function()
    local root = forge.certificate({ subject = "level root", ca = true })
    local weak = forge.certificate({ subject = "level leaf", key = "level weak", kind = "rsa1024",
      issuer = root })
    local trust = assert(tls.trust(root.pem))
    for level, code in pairs({ [1] = "ok", [2] = "weak_key", [3] = "weak_key" }) do
      local policy = assert(tls.policy({ trust = trust, security_level = level }))
      assert.equal(code, tls.judge(policy, { weak.pem }, "kong.example").code)
    end
  end)

  it("tells the leaf and the names of a good chain when it is asked", function()
    local client = assert(tls.client(assert(tls.policy({}))))
    local cache = ffi.gc(ffi.new("struct session_cache"), tls.C.session_clear)
    local server = assert(tls.server({}, tls.identity(pki.get("leaf"))))
    for _, resumed in ipairs({ false, true }) do
      local near = tls.handshake(client, server, "kong.example", cache)
      local v = tls.C.tls_client_describe(near.conn)
      assert.equal(resumed, v.resumed)
      assert.equal("DNS:kong.example", ffi.string(v.names_seen))
      assert.equal("DNS:kong.example", ffi.string(v.names_wanted))
      assert.matches("CN=weir test inter", ffi.string(v.issuer))
      if not resumed then
        assert.equal("CN=weir test root", ffi.string(v.anchor))
        tls.visit(client, server, "kong.example", cache)
      end
    end
  end)
end)
