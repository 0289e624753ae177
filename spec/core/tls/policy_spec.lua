local tls = require "spec.support.tls"
local pki = require "spec.fixtures.pki"
local forge = require "spec.support.forge"
local ffi = require "ffi"

local C = tls.C

local function address(p)
  return tonumber(ffi.cast("uintptr_t", p))
end

describe("policy", function()
  it("is the same object for the same description", function()
    local a, b = assert(tls.policy({})), assert(tls.policy({}))
    assert.equal(address(a), address(b))
    assert.equal(16, #ffi.string(a.id))
  end)

  it("differs when one field does", function()
    local crls = assert(tls.crls(forge.crl({
      issuer = forge.certificate({ subject = "policy root", ca = true }) })))
    local fields = {
      { verify = C.POLICY_NO_VERIFY }, { depth = 1 }, { depth = 2 }, { min_version = 0x0304 },
      { max_version = 0x0303 }, { resume = false },
      { trust = assert(tls.trust()) },
        { trust = assert(tls.trust(pki.pem(pki.get("other_root")))) },
      { credential = tls.identity(pki.get("client")) },
        { credential = tls.identity(pki.get("client_two")) },
      { verify = C.POLICY_REPORT }, { next = assert(tls.trust()) },
      { next = assert(tls.trust(pki.pem(pki.get("other_root")))) },
      { partial_chain = true }, { strict = true }, { security_level = 1 }, { security_level = 3 },
      { verify_name = false }, { names = { { C.NAME_DNS, "a.example" } } },
      { names = { { C.NAME_URI, "spiffe://a.example/*" } } },
      { names = { { C.NAME_URI, "spiffe://a.example/" } } },
      { names = { { C.NAME_DNS, "a.example" }, { C.NAME_DNS, "b.example" } } },
      { names = { { C.NAME_DNS, "a.example" }, { C.NAME_DNS, "b.example" } }, names_all = true },
      { sni = C.POLICY_SNI_NONE }, { sni = C.POLICY_SNI_HOST },
      { sni = C.POLICY_SNI_FIXED, sni_name = "a.example" },
      { sni = C.POLICY_SNI_FIXED, sni_name = "b.example" },
      { pins = { { C.PIN_CERTIFICATE, ("a"):rep(32) } } },
      { pins = { { C.PIN_KEY, ("a"):rep(32) } } }, { pins = { { C.PIN_KEY, ("b"):rep(32) } } },
      { crls = crls }, { crls = crls, crl_chain = true },
      { ocsp = C.POLICY_OCSP_SOFT }, { ocsp = C.POLICY_OCSP_HARD },
      { ciphers = "ECDHE+AESGCM" }, { ciphers = "ECDHE+CHACHA20" },
      { ciphersuites = "TLS_AES_256_GCM_SHA384" }, { ciphersuites = "TLS_AES_128_GCM_SHA256" },
      { groups = "X25519" }, { groups = "P-256" }, { sigalgs = "ECDSA+SHA256" },
      { sigalgs = "RSA-PSS+SHA256" }, { alpn = C.POLICY_ALPN_NONE },
      { judges = "one", resume = false }, { judges = "two", resume = false },
    }
    local base = assert(tls.policy({}))
    local seen, keep = { [address(base)] = true }, {}
    for i, want in ipairs(fields) do
      keep[i] = assert(tls.policy(want))
      assert.is_nil(seen[address(keep[i])])
      seen[address(keep[i])] = true
    end
  end)

  it("verifies, with nothing set off, by default", function()
    local d = C.policy_desc_default((assert(tls.trust())))
    assert.equal(C.POLICY_VERIFY, tonumber(d.verify))
    assert.equal(100, d.depth)
    assert.same({ 0x0303, 0x0304, true }, { d.min_version, d.max_version, d.resume })
  end)

  it("has no value that means off by accident", function()
    for _, want in ipairs({
      { verify = 0 }, { verify = 4 }, { security_level = -1 }, { security_level = 6 },
      { sni = 4 }, { sni = C.POLICY_SNI_FIXED },
      { sni = C.POLICY_SNI_FIXED, sni_name = "10.0.0.1" },
      { sni = C.POLICY_SNI_FIXED, sni_name = "A.example" }, { sni_name = "a.example" },
      { pins = { { 3, ("a"):rep(32) } } },
      { names = { { C.NAME_DNS, "a.example" } }, verify_name = false },
      { ocsp = 3 }, { ocsp = -1 }, { alpn = 2 }, { alpn = -1 }, { judges = "one" },
      { depth = -1 }, { depth = 101 }, { min_version = 0 },
      { min_version = 0x0302 }, { max_version = 0x0305 }, { min_version = 0x0304,
        max_version = 0x0303 },
    }) do
      assert.is_nil((tls.policy(want)))
    end
    local desc, out = C.policy_desc_default(nil), ffi.new("struct policy *[1]")
    assert.equal("tls_setup", ffi.string(C.policy_intern(desc, out).code))
    assert.is_true(out[0] == nil)
  end)

  it("keeps no sessions under judges", function()
    local d = C.policy_desc_default((assert(tls.trust())))
    C.policy_judged_by(d, tls.str(""))
    assert.is_true(d.resume)
    C.policy_judged_by(d, tls.str("one"))
    assert.is_false(d.resume)
  end)

  it("holds its parts and goes with its last user", function()
    collectgarbage()
    collectgarbage()
    local before, bundles = C.policy_interned(), C.trust_interned()
    local policy = assert(tls.policy({ depth = 33,
      trust = assert(tls.trust(pki.pem(pki.get("impostor_root")))) }))
    collectgarbage()
    collectgarbage()
    assert.equal(before + 1, C.policy_interned())
    assert.equal(bundles + 1, C.trust_interned())
    C.policy_ref(policy)
    C.policy_unref(policy)
    assert.equal(before + 1, C.policy_interned())
    C.policy_unref(ffi.gc(policy, nil))
    assert.equal(before, C.policy_interned())
    assert.equal(bundles, C.trust_interned())
  end)

  it("says which name is sent", function()
    local out = ffi.new("struct peer_name")
    local function sent(want, name, host)
      C.policy_sni_of(assert(tls.policy(want)), tls.name(name or "up.example"),
        tls.str(host or "Asked.Example:8443"), out)
      return ffi.string(out.text)
    end
    assert.equal("up.example", sent({}))
    assert.equal("", sent({}, "10.0.0.1"))
    assert.equal("", sent({ sni = C.POLICY_SNI_NONE }))
    assert.equal("asked.example", sent({ sni = C.POLICY_SNI_HOST }))
    for _, unfit in ipairs({ "", "no name", "10.0.0.1:443", "[::1]" }) do
      assert.equal("", sent({ sni = C.POLICY_SNI_HOST }, nil, unfit))
    end
    assert.equal("fixed.example", sent({ sni = C.POLICY_SNI_FIXED, sni_name = "fixed.example" }))
  end)
end)
