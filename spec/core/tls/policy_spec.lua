local tls = require "spec.support.tls"
local pki = require "spec.fixtures.pki"
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
    local fields = {
      { verify = C.POLICY_NO_VERIFY }, { depth = 1 }, { depth = 2 }, { min_version = 0x0304 },
      { max_version = 0x0303 }, { resume = false },
      { trust = assert(tls.trust()) },
        { trust = assert(tls.trust(pki.pem(pki.get("other_root")))) },
      { credential = tls.identity(pki.get("client")) },
        { credential = tls.identity(pki.get("client_two")) },
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
      { verify = 0 }, { verify = 3 }, { depth = -1 }, { depth = 101 }, { min_version = 0 },
      { min_version = 0x0302 }, { max_version = 0x0305 }, { min_version = 0x0304,
        max_version = 0x0303 },
    }) do
      assert.is_nil((tls.policy(want)))
    end
    local desc, out = C.policy_desc_default(nil), ffi.new("struct policy *[1]")
    assert.equal("tls_setup", ffi.string(C.policy_intern(desc, out).code))
    assert.is_true(out[0] == nil)
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
end)
