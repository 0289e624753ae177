local cimport = require "spec.support.cimport"
local ffi = require "ffi"

local C = cimport("tls/digest.h")

local function hex(digest)
  local out = ffi.new("char[65]")
  C.digest_hex(digest, 32, out)
  return ffi.string(out)
end

local function of(...)
  local d, out = ffi.new("struct digest"), ffi.new("unsigned char[32]")
  C.digest_begin(d)
  for _, field in ipairs({ ... }) do
    C.digest_add_field(d, field, #field)
  end
  assert(C.digest_end(d, out))
  return hex(out)
end

describe("digest", function()
  local ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

  it("is SHA-256, at once or in pieces", function()
    local out = ffi.new("unsigned char[32]")
    assert(C.digest_sha256("abc", 3, out))
    assert.equal(ABC, hex(out))
    local d = ffi.new("struct digest")
    C.digest_begin(d)
    C.digest_add(d, "a", 1)
    C.digest_add(d, "bc", 2)
    C.digest_add(d, nil, 0)
    assert(C.digest_end(d, out))
    assert.equal(ABC, hex(out))
  end)

  it("keeps neighbouring fields apart", function()
    assert.is_true(of("ab", "c") ~= of("a", "bc"))
    assert.is_true(of("abc") ~= of("abc", ""))
    assert.equal(of("a", "b"), of("a", "b"))
  end)

  it("is none after a failed step", function()
    local d, out = ffi.new("struct digest"), ffi.new("unsigned char[32]")
    C.digest_begin(d)
    d.ok = false
    C.digest_add(d, "abc", 3)
    assert.is_false(C.digest_end(d, out))
  end)
end)
