-- The facade over the real core, where it is built.
local has_core, core = pcall(require, "weir.core")

local function hex(s)
  return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- The parts that need no certificates; those with them are in spec/e2e/check_spec.lua.
describe("weir.core", function()
  if not has_core then
    pending("needs build/libweir.so")
    return
  end

  it("hashes", function()
    assert.equal("a9993e364706816aba3e25717850c26c9cd0d89d", hex(core.sha1("abc")))
    assert.equal("da39a3ee5e6b4b0d3255bfef95601890afd80709", hex(core.sha1("")))
  end)

  it("gives random bytes", function()
    assert.equal(16, #core.random(16))
    assert.not_equal(core.random(16), core.random(16))
  end)

  it("judges regular expressions", function()
    assert.is_true(core.regex_check("/a(?<name>b)+"))
    local ok, err = core.regex_check("/a(b")
    assert.is_nil(ok)
    assert.is_true(#err > 0)
  end)

  it("says what is wrong with certificates and keys", function()
    local list, err = core.x509_info("no certificate")
    assert.is_nil(list)
    assert.is_true(#err > 0)
    local ok, pair_err = core.keypair_check("no certificate", "no key")
    assert.is_nil(ok)
    assert.matches("^invalid ", pair_err)
  end)

  it("reads certificates", function()
    local pki = require("spec.fixtures.pki")
    local guide = pki.guide()
    local root = assert(core.x509_info(pki.pem(guide.root)))
    assert.equal(1, #root)
    assert.is_true(root[1].is_ca)
    assert.matches("root", root[1].subject)
    assert.equal(64, #root[1].sha256)
    assert.is_true(root[1].not_before <= os.time() and os.time() < root[1].not_after)
    local chain = assert(core.x509_info(pki.text(guide.leaf.chain)))
    assert.equal(2, #chain)
    assert.is_false(chain[1].is_ca)
    assert.is_true(core.keypair_check(pki.text(guide.leaf.chain), pki.text(guide.leaf.key)))
    local ok, err = core.keypair_check(pki.pem(guide.root), pki.text(guide.leaf.key))
    assert.is_nil(ok)
    assert.matches("certificate does not match key", err)
  end)

  it("reads bundles of any size", function()
    local pki = require("spec.fixtures.pki")
    local list = assert(core.x509_info(("# again\n" .. pki.pem(pki.guide().root)):rep(100)))
    assert.equal(100, #list)
    assert.is_true(list[100].is_ca)
    assert.equal(list[1].sha256, list[100].sha256)
  end)

  it("names itself first among the versions", function()
    local versions = core.versions()
    assert.equal("weir", versions[1].name)
    assert.is_true(#versions > 3)
  end)
end)
