local forge = require "spec.support.forge"
local der = require "spec.support.der"
local tls = require "spec.support.tls"
local ffi = require "ffi"

local C = tls.C
local HOUR = 3600

local root = forge.certificate({ subject = "crl root", ca = true })
local inter = forge.certificate({ subject = "crl inter", ca = true, issuer = root })
local leaf = forge.certificate({ subject = "crl leaf", issuer = inter })
local stranger = forge.certificate({ subject = "crl stranger", issuer = inter })
local chain = { leaf.pem, inter.pem }

local function list(issuer, revoked, want)
  want = want or {}
  want.issuer, want.revoked = issuer, revoked
  return forge.crl(want)
end

local function delta(critical)
  return { forge.ext.raw("2.5.29.27", critical, der.integer(1)) }
end

-- issuingDistributionPoint with one field, by its number.
local function scope(field, content)
  return { forge.ext.raw("2.5.29.28", true, der.sequence(der.implicit(field, content or "\255"))) }
end

local ONLY_USERS, ONLY_CAS, ONLY_REASONS, INDIRECT, ONLY_ATTRIBUTES = 1, 2, 3, 4, 5

local function judge(pems, whole_chain)
  local policy = assert(tls.policy({ trust = assert(tls.trust(root.pem)),
    crls = assert(tls.crls(unpack(pems))), crl_chain = whole_chain or false }))
  return assert(tls.judge(policy, chain, "kong.example"))
end

describe("crl", function()
  after_each(tls.close_all)

  for _, row in ipairs({
    { "empty list", { list(inter) }, "ok" },
    { "another certificate's number", { list(inter, { stranger }) }, "ok" },
    { "the leaf's number", { list(inter, { leaf }) }, "revoked", false, 0 },
    { "the intermediate, when the leaf is looked up", { list(inter), list(root, { inter }) },
      "ok" },
    { "the intermediate, when all are looked up", { list(inter), list(root, { inter }) }, "revoked",
      true, 1 },
    { "both lists, all looked up", { list(inter), list(root) }, "ok", true },
    { "no list of the root, all looked up", { list(inter) }, "crl_missing", true, 1 },
    { "no list of the issuer", { list(root) }, "crl_missing", false, 0 },
    { "a list that is over", { list(inter, {}, { from = -2 * HOUR, to = -HOUR }) }, "crl_expired",
      false, 0 },
    { "a list of the future", { list(inter, {}, { from = HOUR, to = 2 * HOUR }) }, "crl_invalid" },
    { "a list that somebody else signed", { list(inter, {}, { broken = true }) },
      "crl_invalid" },
    { "a newer list without the number", { list(inter, { leaf }, { from = -2 * HOUR }),
      list(inter, {}, { from = -HOUR }) }, "ok" },
    { "a newer list that is over", { list(inter, { leaf }),
      list(inter, {}, { from = -60, to = -30 }) }, "revoked" },
    { "a delta beside its base", { list(inter, { leaf }),
      list(inter, {}, { from = -60, number = 2, extensions = delta(true) }) }, "revoked" },
    { "a delta alone", { list(inter, {}, { extensions = delta(true) }) }, "crl_missing" },
    { "a delta that is not critical", { list(inter, {}, { extensions = delta(false) }) },
      "crl_missing" },
    { "a list of users", { list(inter, {}, { extensions = scope(ONLY_USERS) }) }, "ok" },
    { "a list of CAs", { list(inter, {}, { extensions = scope(ONLY_CAS) }) }, "crl_missing" },
    { "a newer list of CAs", { list(inter, { leaf }),
      list(inter, {}, { from = -60, extensions = scope(ONLY_CAS) }) }, "revoked" },
    { "a list of some reasons", { list(inter, {}, { extensions = scope(ONLY_REASONS, "\6\64") }) },
      "crl_missing" },
    { "an indirect list", { list(inter, {}, { extensions = scope(INDIRECT) }) }, "crl_missing" },
    { "a list of attribute certificates",
      { list(inter, {}, { extensions = scope(ONLY_ATTRIBUTES) }) }, "crl_missing" },
    { "a critical extension that is not known", { list(inter, {}, { extensions = {
      forge.ext.raw("1.2.3.4", true, der.integer(1)) } }) }, "crl_invalid" },
  }) do
    local what, pems, code, whole_chain, depth = unpack(row, 1, 5)
    it(("%s: %s"):format(what, code), function()
      local verdict = judge(pems, whole_chain)
      assert.equal(code, verdict.code)
      assert.equal(depth or verdict.depth, verdict.depth)
    end)
  end

  it("is interned by content", function()
    local a, b = list(inter, { leaf }), list(root, { inter })
    local one, two = assert(tls.crls(a, b)), assert(tls.crls(b .. a))
    assert.equal(one, two)
    assert.equal(2, one.count)
    assert.not_equal(one, assert(tls.crls(a)))
  end)

  it("bounds what a verdict and a session are worth", function()
    local soon = os.time() + 60
    local policy = assert(tls.policy({ trust = assert(tls.trust(root.pem)),
      crls = assert(tls.crls(list(inter, {}, { to = 60 }))) }))
    local server = assert(tls.server({}, assert(tls.credential(forge.bundle({ leaf, inter }),
      forge.key_pem(leaf)))))
    local cache = ffi.gc(ffi.new("struct session_cache"), C.session_clear)
    assert.equal("ok", tls.visit(assert(tls.client(policy)), server, "kong.example", cache).code)
    assert.is_true(cache.count > 0)
    assert.is_true(tonumber(cache.slot[0].origin.bound) <= soon + 2)
    ffi.gc(cache, nil)
    C.session_clear(cache)
  end)

  it("refuses what is no list, or has no end", function()
    for _, bad in ipairs({ "", "text", leaf.pem, list(inter, {}, { to = false }),
      (list(inter):gsub("\n....", "\n!!!!", 1)) }) do
      local lists, why = tls.crls(bad)
      assert.is_nil(lists)
      assert.matches("revocation list 1", why)
    end
  end)
end)
