local cimport = require "spec.support.cimport"
local pki = require "spec.fixtures.pki"
local workspace = require "spec.support.workspace"
local ffi = require "ffi"

ffi.cdef [[
typedef struct x509_st X509;
typedef struct X509_name_st X509_NAME;
void X509_free(X509 *x);
X509_NAME *X509_get_subject_name(const X509 *x);
]]

local C = cimport("tls/cert.h")
local crypto = ffi.load("crypto")

local function der_of(identity)
  local path = workspace.directory() .. "/der"
  local made = workspace.run({ "openssl", "x509", "-in", identity.cert, "-outform", "DER", "-out",
    path })
  assert.equal(0, made.code)
  return pki.text(path)
end

local function decode(der)
  local x = C.cert_decode(nil, der, #der)
  return x ~= nil and ffi.gc(x, crypto.X509_free) or nil
end

describe("cert", function()
  local der, x

  setup(function()
    der = der_of(pki.get("expired"))
    x = assert(decode(der))
  end)

  it("decodes one certificate and nothing but it", function()
    assert.is_true(C.cert_has_key(x))
    assert.is_nil(decode(der .. "\0"))
    assert.is_nil(decode(der:sub(1, -2)))
    assert.is_nil(decode(""))
    assert.is_nil(decode("\x30\x00"))
  end)

  it("tells the dates", function()
    local day = 86400
    local before, after = tonumber(C.cert_not_before(x)), tonumber(C.cert_not_after(x))
    assert.equal(9 * day, after - before)
    assert.is_true(math.abs(os.time() - day - after) < 3600)
  end)

  it("tells the name, cut to size", function()
    local name = ffi.new("char[256]")
    C.cert_name(crypto.X509_get_subject_name(x), name)
    assert.equal("CN=kong.example", ffi.string(name))
    C.cert_name(nil, name)
    assert.equal("", ffi.string(name))
    local long = pki.issue("long_subject", {
      subject = "/CN=" .. ("a"):rep(60) .. "/O=" .. ("\1"):rep(64), ca = true,
    })
    C.cert_name(crypto.X509_get_subject_name((assert(decode(der_of(long))))), name)
    assert.equal(255, #ffi.string(name))
  end)

  it("hashes the DER", function()
    local out = ffi.new("unsigned char[32]")
    assert.is_true(C.cert_sha256(x, out))
    local digest = ffi.new("unsigned char[32]")
    assert.is_true(cimport("tls/digest.h").digest_sha256(der, #der, digest))
    assert.equal(ffi.string(digest, 32), ffi.string(out, 32))
  end)
end)
