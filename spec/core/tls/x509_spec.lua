local cimport = require "spec.support.cimport"
local pki = require "spec.fixtures.pki"
local workspace = require "spec.support.workspace"
local ffi = require "ffi"

local C = cimport("tls/x509.h")

local function str(s)
  return ffi.new("struct str", { ffi.cast("const char *", s), #s })
end

local function info(pem, max)
  local out, count, why = ffi.new("struct x509_info[4]"), ffi.new("unsigned[1]"),
    ffi.new("char[256]")
  local err = C.x509_info(str(pem), out, max or 4, count, why)
  if err ~= nil then
    return nil, ffi.string(why), count[0]
  end
  return out, count[0]
end

describe("x509", function()
  it("tells the facts of each certificate", function()
    local identity = pki.get("leaf")
    local list, count = assert(info(pki.text(identity.chain)))
    assert.equal(2, count)
    assert.same({ false, true }, { list[0].is_ca, list[1].is_ca })
    assert.equal("CN=kong.example", ffi.string(list[0].subject))
    assert.is_true(list[0].not_before < os.time() and list[0].not_after > os.time())
    local shown = workspace.run({ "openssl", "x509", "-in", identity.cert, "-noout", "-fingerprint",
      "-sha256" })
    assert.equal(shown.stdout:match("=(%S+)"):gsub(":", ""):lower(), ffi.string(list[0].sha256))
  end)

  it("reads all of a text and fills what there is room for", function()
    local chain = pki.text(pki.get("leaf").chain)
    local list, count = assert(info(chain, 1))
    assert.equal(2, count)
    assert.equal("", ffi.string(list[1].subject))
    local bad, why, none = info(chain
      .. "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", 1)
    assert.is_nil(bad)
    assert.matches("^block 3: not a valid certificate", why)
    assert.equal(0, none)
  end)

  it("escapes what could forge a log line", function()
    local odd = pki.issue("odd_subject", { subject = "/O=a\nb, c/CN=x", ca = true })
    assert.equal([[O=a\0Ab\, c,CN=x]], ffi.string(assert(info(pki.pem(odd)))[0].subject))
  end)

  it("hashes for version 5 UUIDs", function()
    local out = ffi.new("unsigned char[20]")
    assert.is_true(C.x509_sha1(str("abc"), out) == nil)
    local hex = ffi.string(out, 20):gsub(".", function(c) return ("%02x"):format(c:byte()) end)
    assert.equal("a9993e364706816aba3e25717850c26c9cd0d89d", hex)
    assert.is_true(C.x509_sha1(str(""), out) == nil)
  end)

  describe("describe", function()
    local function describe_one(path, index)
      local out, count, why = ffi.new("struct x509_detail"), ffi.new("unsigned[1]"),
        ffi.new("char[256]")
      local pem = pki.text(path)
      local err = C.x509_describe(str(pem), index, out, count, why)
      return err == nil and out or nil, count[0], ffi.string(why)
    end

    local function shown(path, ...)
      return workspace.run({ "openssl", "x509", "-in", path, "-noout", ... }).stdout
    end

    it("says what openssl says", function()
      local identity = pki.get("leaf")
      local d, count = describe_one(identity.chain, 0)
      assert.equal(2, count)
      assert.equal(3, d.version)
      assert.equal("DNS:kong.example", ffi.string(d.names))
      assert.same({ "EC", "P-256", 256 },
        { ffi.string(d.key_type), ffi.string(d.key_group), d.key_bits })
      assert.equal("ecdsa-with-SHA256", ffi.string(d.signature))
      assert.equal(shown(identity.cert, "-serial"):match("=(%x+)"):lower(), ffi.string(d.serial))
      local ids = shown(identity.cert, "-ext", "subjectKeyIdentifier,authorityKeyIdentifier")
      local all = ids:gsub("[:%s]", ""):lower()
      assert.truthy(all:find(ffi.string(d.key_id), 1, true))
      assert.truthy(all:find(ffi.string(d.issuer_key_id), 1, true))
      local spki = workspace.run({ "sh", "-c", ("openssl x509 -in %s -noout -pubkey | "
        .. "openssl pkey -pubin -outform DER | sha256sum"):format(identity.cert) }).stdout
      assert.equal(spki:match("^%x+"), ffi.string(d.spki_sha256))
      assert.equal("CN=weir test inter", ffi.string(d.issuer))
    end)

    it("describes the certificate that is asked for, and no other", function()
      local chain = pki.get("leaf").chain
      local d = describe_one(chain, 1)
      assert.equal("CN=weir test inter", ffi.string(d.subject))
      assert.is_true(d.is_ca)
      assert.equal(-1, d.path_length)
      assert.equal("", ffi.string(d.names))
      local _, count = describe_one(chain, 2)
      assert.equal(2, count)
    end)

    it("names purposes and key sizes", function()
      local d = describe_one(pki.get("client_only").cert, 0)
      assert.equal("clientAuth", ffi.string(d.purposes))
      d = describe_one(pki.guide().root.cert, 0)
      assert.same({ "RSA", "", 2048 },
        { ffi.string(d.key_type), ffi.string(d.key_group), d.key_bits })
    end)

    it("refuses what is no certificate", function()
      local path = workspace.write(workspace.directory() .. "/x", "nothing")
      local d, count, why = describe_one(path, 0)
      assert.is_nil(d)
      assert.equal(0, count)
      assert.equal("no certificate in it", why)
    end)
  end)
end)
