-- resty.openssl's keys, certificates and stores.

local digest = require("resty.openssl.digest")
local keys = require("spec.support.keys")
local pkey = require("resty.openssl.pkey")
local pki = require("spec.fixtures.pki")
local store = require("resty.openssl.x509.store")
local x509 = require("resty.openssl.x509")

local TEXT = "what is signed"
local RAW = { ecdsa_use_raw = true }

describe("resty.openssl.pkey", function()
  local function pair(name)
    return assert(pkey.new(keys.get(name).private)), assert(pkey.new(keys.get(name).public))
  end

  local function digest_of(text)
    local object = digest.new("sha256")
    object:update(text)
    return object
  end

  it("signs and verifies as JSON Web Tokens want it", function()
    local PSS = pkey.PADDINGS.RSA_PKCS1_PSS_PADDING
    for _, case in ipairs({
      { "rsa", "sha256" }, { "rsa", "sha512" }, { "rsa", "sha256", PSS }, { "rsa", "sha384", PSS },
      { "p256", "sha256", nil, RAW }, { "p521", "sha512", nil, RAW }, { "ed25519" },
    }) do
      local private, public = pair(case[1])
      local signature = assert(private:sign(TEXT, case[2], case[3], case[4]))
      assert.is_true(public:verify(signature, TEXT, case[2], case[3], case[4]))
      assert.is_false(public:verify(signature, "other", case[2], case[3], case[4]))
    end
  end)

  it("takes a digest for what was added to it", function()
    local private, public = pair("rsa")
    local signature = assert(private:sign(digest_of(TEXT)))
    assert.equal(signature, (private:sign(TEXT, "sha256")))
    assert.is_true(public:verify(signature, digest_of(TEXT)))
    assert.is_false(public:verify(signature, digest_of("other")))
    local ended = digest_of(TEXT)
    ended:final()
    assert.same({ nil, "pkey:verify: digest:final: it has ended" },
      { public:verify(signature, ended) })
    local ec, ec_public = pair("p256")
    assert.is_true(ec_public:verify(ec:sign(digest_of(TEXT), nil, nil, RAW), digest_of(TEXT), nil,
      nil, RAW))
  end)

  it("says what is wrong", function()
    local private, public = pair("rsa")
    local function wrong(pattern, result, err)
      assert.is_nil(result)
      assert.matches(pattern, err)
    end
    wrong("^pkey%.new: not a key", pkey.new("nonsense"))
    wrong("^pkey%.new: keys are read from texts", pkey.new({ type = "RSA" }))
    wrong("^pkey:sign: cannot sign", public:sign(TEXT, "sha256"))
    wrong("^pkey:sign: expect a digest instance or a string", private:sign({}))
    wrong("^pkey:sign: padding 3 is not supported", private:sign(TEXT, "sha256", 3))
    wrong("^pkey:sign: PSS needs", private:sign(TEXT, nil, 6))
    wrong("^pkey:verify: expect a string at #1", public:verify(nil, TEXT))
    wrong("^pkey:verify: cannot verify", public:verify(("x"):rep(72), TEXT, "no such"))
    wrong("^pkey:tostring: cannot be written", public:to_PEM("private"))
  end)

  it("is written down, and is what it says", function()
    local private, public = pair("p256")
    assert.equal(keys.get("p256").private, private:to_PEM("private"))
    assert.equal(keys.get("p256").public, private:to_PEM())
    assert.equal(keys.get("p256").public, pkey.new(private:tostring("public", "DER")):to_PEM())
    assert.is_true(private:is_private())
    assert.is_false(public:is_private())
    assert.is_true(pkey.istype(public))
    assert.is_false(pkey.istype({}))
    assert.equal("EC", public:get_key_type().sn)
    assert.equal(256, (select(2, pair("rsa"))):get_size())
  end)

  it("parses a text once", function()
    assert.equal((pair("rsa")), (pair("rsa")))
  end)
end)

describe("resty.openssl.x509", function()
  local guide, leaf

  setup(function()
    guide = pki.guide()
    leaf = assert(x509.new(pki.text(guide.leaf.chain)))
  end)

  it("tells what it says", function()
    assert.equal("CN=kong.example", leaf:get_subject_name().tostring())
    assert.equal("CN=inter", leaf:get_issuer_name():tostring())
    local from, to = leaf:get_lifetime()
    assert.equal(365 * 86400, to - from)
    assert.same({ from, to }, { leaf:get_not_before(), leaf:get_not_after() })
    assert.is_true(math.abs(from - os.time()) < 3600)
    assert.equal(3, leaf:get_version())
    assert.is_false(leaf:get_ca())
    assert.is_true(x509.new(pki.pem(guide.root)):get_ca())
    assert.matches("^%x+$", leaf:get_serial_number():to_hex())
  end)

  it("is the first of a text, and no other", function()
    local _, count = pki.text(guide.leaf.chain):gsub("BEGIN", "")
    assert.equal(2, count)
    assert.equal(1, select(2, leaf:to_PEM():gsub("BEGIN", "")))
  end)

  it("is PEM or DER", function()
    local der = leaf:tostring("DER")
    local again = assert(x509.new(der))
    assert.equal(der, again:tostring("DER"))
    assert.equal(der, x509.new(der, "DER"):tostring("DER"))
    assert.equal(again:to_PEM(), again:tostring())
    assert.equal("CN=kong.example", again:get_subject_name():tostring())
    assert.same({ nil, "x509.new: expect nil or a string at #1" }, { x509.new({}) })
    assert.is_nil((x509.new(der, "PEM")))
    assert.is_nil((x509.new("nonsense")))
  end)

  it("has digests and a key", function()
    local hex = require("weir.text.hex")
    local core = require("weir.core")
    assert.equal(core.x509_info(leaf:to_PEM())[1].sha256, hex.encode(leaf:digest("sha256")))
    assert.equal(20, #leaf:digest())
    assert.same({ nil, 'x509:digest: invalid digest type "none"' }, { leaf:digest("none") })
    local key = assert(pkey.new(pki.text(guide.leaf.key)))
    assert.is_true(leaf:get_pubkey():verify(key:sign(TEXT, "sha256"), TEXT, "sha256"))
  end)

  it("is verified by a store", function()
    local trusted, inter = assert(store.new()), assert(x509.new(pki.pem(guide.inter)))
    assert.same({ nil, "unable to get local issuer certificate" },
      { trusted:verify(leaf, { inter }) })
    trusted:add(x509.new(pki.pem(guide.root)))
    assert.is_true(trusted:verify(leaf, { inter }))
    local result, err = trusted:verify(leaf)
    assert.is_nil(result)
    assert.matches("unable to", err)
    assert.same({ nil, "x509.store:verify: expect x509 instances" }, { trusted:verify("x") })
  end)
end)

describe("resty.openssl.kdf", function()
  local hex = require("weir.text.hex")
  local kdf = require("resty.openssl.kdf")

  it("derives keys from passwords, again and again", function()
    local derived = assert(kdf.new("pbkdf2"))
    assert.is_true(kdf.istype(derived))
    for _ = 1, 2 do
      local key = derived:derive(20, { pass = "password", salt = "salt", digest = "sha1",
        iter = 4096 }, 4)
      assert.equal("4b007901b765489abead49d926f721d065a429c1", hex.encode(key))
      assert.is_true(derived:reset())
    end
    assert.equal(derived:derive(9, { pass = "p", salt = "", digest = "sha1", iter = 2048 }),
      derived:derive(9, { pass = "p" }))
  end)

  it("says what it cannot do", function()
    assert.same({ nil, 'kdf.new: invalid kdf type "SCRYPT"' }, { kdf.new("SCRYPT") })
    local derived = kdf.new("PBKDF2")
    for message, arguments in pairs({
      ["expect a whole number at #1"] = { 0.5, { pass = "p" } },
      ["expect a table at #2"] = { 20 },
      ["expect a string for pass"] = { 20, { salt = "s" } },
      ["expect a string for salt"] = { 20, { pass = "p", salt = 1 } },
      ["expect a whole number for iter"] = { 20, { pass = "p", iter = 1.5 } },
      ['unknown option "md"'] = { 20, { pass = "p", md = "sha1" } },
      ["no such digest"] = { 20, { pass = "p", digest = "nothing" } },
      ["no length, no iterations or more than a million in all"] =
        { 21, { pass = "p", iter = 600000 } },
    }) do
      assert.same({ nil, "kdf:derive: " .. message },
        { derived:derive(arguments[1], arguments[2]) })
    end
  end)
end)
