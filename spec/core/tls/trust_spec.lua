local tls = require "spec.support.tls"
local pki = require "spec.fixtures.pki"
local ffi = require "ffi"

ffi.cdef [[
void *X509_STORE_get0_objects(const void *store);
int OPENSSL_sk_num(const void *stack);
int OPENSSL_sk_is_sorted(const void *stack);
]]

local C = tls.C
local crypto = ffi.load("crypto")

local function same(a, b)
  return ffi.cast("void *", a) == ffi.cast("void *", b)
end

describe("trust", function()
  local root, inter, other

  setup(function()
    root, inter, other = pki.pem(pki.get("root")), pki.pem(pki.get("inter")),
      pki.pem(pki.get("other_root"))
  end)

  it("is one object for the same certificates in any order, file or number", function()
    local a = assert(tls.trust(root .. inter, other))
    assert.equal(3, a.count)
    assert.is_true(same(a, assert(tls.trust(other, inter, root))))
    assert.is_true(same(a, assert(tls.trust(other .. root .. inter .. root))))
    assert.is_true(same(a, assert(tls.trust("a comment\n" .. root .. "another\n" .. inter, other))))
    assert.is_false(same(a, assert(tls.trust(root, inter))))
    assert.equal(16, #ffi.string(a.id))
  end)

  it("is sorted, so that nobody who looks a certificate up changes what others read", function()
    local members = crypto.X509_STORE_get0_objects(assert(tls.trust(root, inter, other)).store)
    assert.equal(3, crypto.OPENSSL_sk_num(members))
    assert.equal(1, crypto.OPENSSL_sk_is_sorted(members))
  end)

  it("goes with its last user", function()
    -- What earlier tests have left must not be collected in between.
    collectgarbage()
    collectgarbage()
    collectgarbage("stop")
    finally(function() collectgarbage("restart") end)
    local before = C.trust_interned()
    local a = assert(tls.trust(root, other))
    assert.equal(before + 1, C.trust_interned())
    local b = assert(tls.trust(other, root))
    C.trust_ref(a)
    C.trust_unref(ffi.gc(a, nil))
    C.trust_unref(ffi.gc(b, nil))
    assert.equal(before + 1, C.trust_interned())
    C.trust_unref(a)
    assert.equal(before, C.trust_interned())
    C.trust_unref(nil)
  end)

  it("knows when its first member ends", function()
    local expired = pki.get("expired_root")
    assert.is_true(assert(tls.trust(root)).not_after > os.time())
    assert.is_true(assert(tls.trust(root, pki.pem(expired))).not_after < os.time())
  end)

  it("may be empty, and then never ends", function()
    local empty = assert(tls.trust())
    assert.equal(0, empty.count)
    assert.equal(0x7fffffffffffffffLL, empty.not_after)
    assert.is_true(same(empty, assert(tls.trust())))
  end)

  it("refuses what is not a certificate, and says where", function()
    local function why(...)
      local trust, reason = tls.trust(...)
      assert.is_nil(trust)
      return reason
    end
    assert.equal("text 2, no certificate in it", why(root, "nothing here"))
    assert.matches("text 1, block 2: not a certificate but PRIVATE KEY", why(root
      .. pki.text(pki.get("root").key)
      :gsub("EC PRIVATE", "PRIVATE")))
    assert.matches("text 1, block 1", why((root:gsub("-----END.*", ""))))
    assert.matches("text 1, 1 of 2 blocks cannot be read", why(root
      .. (inter:gsub("CERTIFICATE%-%-%-%-%-", "CERTIFICATE-", 1))))
    assert.matches("block 1: not a valid certificate", why(
      "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"))
    assert.matches("TRUSTED CERTIFICATE", why((root:gsub("CERTIFICATE", "TRUSTED CERTIFICATE"))))
    assert.matches("base64", why((root:gsub("\n(....)", "\n!!!!", 2))))
  end)
end)
