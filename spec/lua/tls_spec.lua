-- Policies of the real core: what differs in one field is another policy, what does not is the
-- same.

local pki = require("spec.fixtures.pki")
local tls = require("weir.tls")

local ROOT, OTHER = pki.pem(pki.get("root")), pki.pem(pki.get("other_root"))

local function trust(...)
  return assert(tls.trust({ ... }))
end

local function credential(name)
  local identity = pki.get(name)
  return assert(tls.credential(pki.text(identity.chain), pki.text(identity.key)))
end

local CRL = pki.crl("inter-empty", pki.get("inter"), {})
local OTHER_CRL = pki.crl("other-empty", pki.get("other_root"), {})
local A, B = ("a"):rep(64), ("b"):rep(64)

-- Values of each field, all with different meanings; nil stands first and is the default.
local VALUES = {
  mode = { "enforce", "report", "off" },
  depth = { 0, 1, 2, 99 },
  trust = { trust(ROOT), trust(OTHER), trust(ROOT, OTHER) },
  next = { trust(ROOT), trust(OTHER), trust() },
  credential = { credential("client"), credential("client_two") },
  partial_chain = { true },
  strict = { true },
  ocsp = { "soft", "hard" },
  verify_name = { false },
  names = {
    { dns = { "a.x" } }, { dns = { "a.y" } }, { dns = { "a.x", "a.y" } },
    { dns = { "a.x", "a.y" }, match = "all" }, { ip = { "10.0.0.1" } }, { ip = { "10.0.0.2" } },
    { ip = { "::1" } }, { uri = { "spiffe://a/x" } }, { uri = { "spiffe://a/*" } },
    { uri = { "spiffe://a/X" } }, { uri = { "spiffe://a/x" }, dns = { "a.x" } },
  },
  sni = { "none", "host", "a.x", "a.y" },
  pins = {
    { cert = { A } }, { cert = { B } }, { spki = { A } }, { spki = { B } }, { cert = { A, B } },
    { cert = { A }, spki = { B } }, { cert = { B }, spki = { A } },
  },
  crl = { { CRL }, { OTHER_CRL }, { CRL, OTHER_CRL } },
  min_version = { "TLSv1.3" },
  max_version = { "TLSv1.2" },
  ciphers = { "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384" },
  ciphersuites = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384" },
  groups = { "P-256", "P-384", "P-256:P-384" },
  sigalgs = { "ECDSA+SHA256", "ECDSA+SHA384" },
  alpn = { "none" },
  security_level = { 0, 1, 3 },
}

-- Bases to change one field of: bare ones, and one in which much is set.
local BASES = {
  { mode = "enforce" },
  { mode = "off" },
  { mode = "report", trust = trust(ROOT), depth = 3, strict = true, sni = "b.x",
    names = { dns = { "b.x" } }, crl = { CRL }, crl_check = "chain", security_level = 4 },
}

local function id_of(choice)
  return tls.policy_id(assert(tls.policy(choice)))
end

local function with(base, field, value)
  local choice = {}
  for name, item in pairs(base) do
    choice[name] = item
  end
  choice[field] = value
  if field == "verify_name" then
    choice.names = nil
  elseif field == "mode" then
    choice.verify = nil
  end
  return choice
end

describe("policies", function()
  for field, values in pairs(VALUES) do
    it("that differ in " .. field .. " are not the same", function()
      for _, base in ipairs(BASES) do
        local seen = {}
        for i, value in ipairs(values) do
          local id = id_of(with(base, field, value))
          assert.is_nil(seen[id], ("values %d and %s"):format(i, tostring(seen[id])))
          seen[id] = i
        end
        if base[field] == nil and not (field == "verify_name" and base.names) then
          assert.is_nil(seen[id_of(base)], "as if it were not set")
        end
      end
    end)
  end

  it("that differ in crl_check are not the same", function()
    assert.not_equal(id_of({ mode = "enforce", crl = { CRL }, crl_check = "leaf" }),
      id_of({ mode = "enforce", crl = { CRL }, crl_check = "chain" }))
  end)

  it("that differ in any two fields are not the same", function()
    local seen, count = {}, 0
    for field, values in pairs(VALUES) do
      for i, value in ipairs(values) do
        local choice = with({ mode = "enforce" }, field, value)
        if choice.mode ~= "enforce" or field ~= "mode" then
          local id = id_of(choice)
          assert.is_nil(seen[id], ("%s %d and %s"):format(field, i, tostring(seen[id])))
          seen[id] = field .. " " .. i
          count = count + 1
        end
      end
    end
    assert.is_true(count > 50)
  end)

  it("that say the same in other words are the same", function()
    local function same(a, b)
      a.mode, b.mode = "enforce", "enforce"
      assert.equal(id_of(a), id_of(b))
    end
    same({}, {})
    same({}, { depth = 100, partial_chain = false, strict = false, verify_name = true, ocsp = "off",
      sni = "upstream_host", min_version = "TLSv1.2", max_version = "TLSv1.3",
      security_level = 2, alpn = "http/1.1" })
    same({ trust = trust(ROOT, OTHER) }, { trust = trust(OTHER .. ROOT, ROOT) })
    same({ pins = { spki = { A } } }, { pins = { spki = { A:upper() } } })
    same({ names = { dns = { "A.x." } } }, { names = { dns = { "a.X" } } })
    same({ names = { dns = { "bücher.x" } } }, { names = { dns = { "xn--bcher-kva.x" } } })
    same({ sni = "bücher.x" }, { sni = "XN--bcher-kva.x" })
    same({ crl = { CRL } }, { crl = { CRL }, crl_check = "leaf" })
    assert.equal(id_of({ verify = true }), id_of({ mode = "enforce" }))
    assert.equal(id_of({ verify = false }), id_of({ mode = "off" }))
  end)

  it("that cannot be are not made", function()
    for field, value in pairs({
      ciphers = "NONSENSE", ciphersuites = "NONSENSE", groups = "NONSENSE", sigalgs = "NONSENSE",
      crl = { ROOT },
    }) do
      local policy, err = tls.policy({ mode = "enforce", [field] = value })
      assert.is_nil(policy, field)
      assert.is_true(#err > 10, err)
    end
  end)
end)
