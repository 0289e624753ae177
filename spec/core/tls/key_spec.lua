local ffi = require("ffi")
local http = require("spec.support.http")
local keys = require("spec.support.keys")
local pki = require("spec.fixtures.pki")
local cimport = require("spec.support.cimport")
local C = cimport("tls/key.h")

local TEXT = "what is signed"

describe("tls/key", function()
  local why = ffi.new("char[?]", C.KEY_WHY)

  local function read(text)
    local key = C.key_read(http.str(text), why)
    if key == nil then
      return nil, ffi.string(why)
    end
    return ffi.gc(key, C.key_free)
  end

  local function how_of(options)
    return ffi.new("struct key_how", {
      digest = http.str(options.digest or ""), pss = options.pss or false,
      salt = options.salt or -1, raw = options.raw or false,
    })
  end

  local function sign(key, options, text)
    local out = ffi.new("char[1024]")
    local n = C.key_sign(key, how_of(options), http.str(text or TEXT), out, 1024, why)
    if n == 0 then
      return nil, ffi.string(why)
    end
    return ffi.string(out, n)
  end

  local function verify(key, options, signature, text)
    return tonumber(C.key_verify(key, how_of(options), http.str(signature),
      http.str(text or TEXT), why))
  end

  it("reads every form", function()
    for _, case in ipairs({
      { "rsa", "openssl rsa -in %s -traditional" }, { "rsa", "openssl pkey -in %s" },
      { "rsa", "openssl pkey -in %s -outform DER" }, { "p256", "openssl ec -in %s" },
      { "p256", "openssl ec -in %s -outform DER" }, { "ed25519", "openssl pkey -in %s" },
    }) do
      assert.is_true(C.key_is_private(read(keys.convert(unpack(case)))), case[2])
    end
    for _, case in ipairs({
      { "rsa", "openssl pkey -in %s -pubout" }, { "rsa", "openssl rsa -in %s -RSAPublicKey_out" },
      { "p521", "openssl pkey -in %s -pubout -outform DER" },
      { "ed25519", "openssl pkey -in %s -pubout" },
    }) do
      assert.is_false(C.key_is_private(read(keys.convert(unpack(case)))), case[2])
    end
  end)

  it("says what kind it is", function()
    local rsa = read(keys.get("rsa").public)
    assert.equal("RSA", ffi.string(C.key_type(rsa)))
    assert.equal(256, tonumber(C.key_size(rsa)))
    assert.equal("EC", ffi.string(C.key_type(read(keys.get("p256").private))))
    assert.equal("ED25519", ffi.string(C.key_type(read(keys.get("ed25519").private))))
  end)

  it("refuses what is none, without asking for a passphrase", function()
    local encrypted = keys.convert("p256", "openssl pkey -in %s -aes128 -passout pass:secret")
    assert.matches("BEGIN ENCRYPTED", encrypted)
    for _, text in ipairs({ "", "nonsense", encrypted, (keys.get("rsa").public:gsub("M", "!")) }) do
      local key, err = read(text)
      assert.is_nil(key)
      assert.matches("^not a key", err)
    end
  end)

  it("is found in a certificate", function()
    local guide = pki.guide()
    local key = ffi.gc(C.key_of_certificate(http.str(pki.text(guide.leaf.chain)), why), C.key_free)
    local private = read(pki.text(guide.leaf.key))
    local signature = sign(private, { digest = "sha256" })
    assert.equal(C.KEY_GOOD, verify(key, { digest = "sha256" }, signature))
    assert.is_false(C.key_is_private(key))
    assert.is_true(C.key_of_certificate(http.str("nonsense"), why) == nil)
  end)

  describe("signs", function()
    local CASES = {
      { "rsa", { digest = "sha256" }, "-sha256" },
      { "rsa", { digest = "SHA512" }, "-sha512" },
      { "rsa", {}, "-sha256" },
      { "rsa", { digest = "sha256", pss = true },
        "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32" },
      { "rsa", { digest = "sha384", pss = true, salt = 20 },
        "-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20" },
      { "p256", { digest = "sha256" }, "-sha256" },
      { "p521", { digest = "sha512" }, "-sha512" },
      { "ed25519", {}, "" },
    }

    it("what OpenSSL's command and the key itself take", function()
      for i, case in ipairs(CASES) do
        local name, options = case[1], case[2]
        local private, public = read(keys.get(name).private), read(keys.get(name).public)
        local signature = assert(sign(private, options))
        assert.is_true(keys.accepts(name, signature, TEXT, case[3]), i)
        assert.equal(C.KEY_GOOD, verify(public, options, signature), i)
        assert.equal(C.KEY_GOOD, verify(private, options, signature), i)
        assert.equal(C.KEY_BAD, verify(public, options, signature, TEXT .. "!"), i)
      end
    end)

    it("with EC also in the raw form, of one length", function()
      for name, length in pairs({ p256 = 64, p521 = 132 }) do
        local private, public = read(keys.get(name).private), read(keys.get(name).public)
        local raw, der = { digest = "sha256", raw = true }, { digest = "sha256" }
        for _ = 1, 20 do
          local signature = sign(private, raw)
          assert.equal(length, #signature)
          assert.equal(C.KEY_GOOD, verify(public, raw, signature))
          assert.equal(C.KEY_BAD, verify(public, raw, signature, "other"))
        end
        assert.equal(C.KEY_FAILED, verify(public, raw, sign(private, der)))
        assert.are_not.equal(C.KEY_GOOD, verify(public, der, sign(private, raw)))
        assert.are_not.equal(C.KEY_GOOD, verify(public, raw, ("\0"):rep(length)))
      end
    end)
  end)

  it("accepts no other signature", function()
    local key, other = read(keys.get("rsa").public), read(keys.get("p256").private)
    local options = { digest = "sha256" }
    local signature = sign(read(keys.get("rsa").private), options)
    for _, wrong in ipairs({
      "", "x", signature:sub(1, -2), signature .. "\0", ("\0"):rep(256), ("\255"):rep(256),
      sign(other, options),
    }) do
      assert.are_not.equal(C.KEY_GOOD, verify(key, options, wrong))
    end
    assert.are_not.equal(C.KEY_GOOD, verify(key, { digest = "sha512" }, signature))
    assert.are_not.equal(C.KEY_GOOD, verify(key, { digest = "sha256", pss = true }, signature))
    assert.equal(C.KEY_FAILED, verify(key, { digest = "no such" }, signature))
  end)

  it("says why it cannot sign", function()
    for _, case in ipairs({
      { keys.get("rsa").public, { digest = "sha256" } },
      { keys.get("rsa").private, { digest = "no such" } },
      { keys.get("rsa").private, { digest = ("x"):rep(40) } },
      { keys.get("p256").private, { digest = "sha256", pss = true } },
      { keys.get("rsa").private, { digest = "sha256", pss = true, salt = 1000 } },
      { keys.get("ed25519").public, {} },
    }) do
      local signature, err = sign(read(case[1]), case[2])
      assert.is_nil(signature)
      assert.matches("^cannot sign", err)
    end
  end)

  it("is written down, the private one too", function()
    local function write(key, as_private, as_pem, room)
      local out = ffi.new("char[4096]")
      local n = tonumber(C.key_write(key, as_private, as_pem, out, room or 4096, why))
      return n, ffi.string(out, math.min(n, room or 4096))
    end
    local private = read(keys.get("p256").private)
    assert.equal(keys.get("p256").private, select(2, write(private, true, true)))
    assert.equal(keys.get("p256").public, select(2, write(private, false, true)))
    assert.equal(keys.convert("p256", "openssl pkey -in %s -pubout -outform DER"),
      select(2, write(private, false, false)))
    assert.is_true(C.key_is_private(read(select(2, write(private, true, false)))))
    local whole, cut = write(private, true, true, 10)
    assert.equal(#keys.get("p256").private, whole)
    assert.equal("-----BEGIN", cut)
    assert.equal(0, (write(read(keys.get("p256").public), true, true)))
  end)
end)
