local ffi = require("ffi")
local http = require("spec.support.http")
local cimport = require("spec.support.cimport")
local C = cimport("tls/hash.h")

local function hex(out, n)
  return (ffi.string(out, n):gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function key_of(text)
  return text and ffi.new("struct str[1]", { http.str(text) })
end

local function once(name, text, key)
  local out = ffi.new("unsigned char[?]", C.HASH_MOST)
  local n = tonumber(C.hash_once(http.str(name), key_of(key), http.str(text), out))
  return n > 0 and hex(out, n) or nil
end

describe("tls/hash", function()
  local out = ffi.new("unsigned char[?]", C.HASH_MOST)

  local function new(name, key)
    local hash = C.hash_new(http.str(name), key_of(key))
    return hash ~= nil and ffi.gc(hash, C.hash_free) or nil
  end

  local function finish(hash)
    return hex(out, C.hash_end(hash, out))
  end

  -- RFC 1321, FIPS 180-4, FIPS 202.
  it("knows OpenSSL's digests, in any case", function()
    assert.equal("900150983cd24fb0d6963f7d28e17f72", once("md5", "abc"))
    assert.equal("a9993e364706816aba3e25717850c26c9cd0d89d", once("SHA1", "abc"))
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      once("sha256", "abc"))
    assert.equal(96, #once("SHA384", ""))
    assert.equal(128, #once("sha512", ""))
    assert.equal("3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
      once("sha3-256", "abc"))
  end)

  -- RFC 2202, RFC 4231.
  it("makes HMACs, also with an empty key", function()
    assert.equal("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
      once("sha1", "what do ya want for nothing?", "Jefe"))
    assert.equal("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      once("sha256", "what do ya want for nothing?", "Jefe"))
    assert.equal("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad",
      once("sha256", "", ""))
    assert.equal("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      once("sha256", "Test Using Larger Than Block-Size Key - Hash Key First",
        ("\170"):rep(131)))
  end)

  local function pbkdf2(name, password, salt, rounds, n)
    local key = ffi.new("unsigned char[?]", n)
    local why = C.hash_pbkdf2(http.str(name), http.str(password), http.str(salt), rounds, key, n)
    return why == nil and hex(key, n) or nil, why ~= nil and ffi.string(why) or nil
  end

  -- RFC 6070, RFC 7914.
  it("derives keys from passwords", function()
    assert.equal("0c60c80f961f0e71f3a9b524af6012062fe037a6",
      pbkdf2("sha1", "password", "salt", 1, 20))
    assert.equal("4b007901b765489abead49d926f721d065a429c1",
      pbkdf2("sha1", "password", "salt", 4096, 20))
    assert.equal("56fa6aa75548099dcc37d7f03425e0c3",
      pbkdf2("sha1", "pass\0word", "sa\0lt", 4096, 16))
    assert.equal("55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
      .. "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
      pbkdf2("sha256", "passwd", "salt", 1, 64))
  end)

  it("derives no key that would hold up all others, and says so", function()
    assert.same({ nil, "no such digest" }, { pbkdf2("nothing", "p", "s", 1, 20) })
    assert.equal(40, #pbkdf2("sha1", "p", "s", 10, 20))
    for _, case in ipairs({ { 0, 20 }, { C.HASH_ROUNDS_MOST + 1, 20 },
      { C.HASH_ROUNDS_MOST / 2 + 1, 21 }, { 1, 0 } }) do
      assert.same({ nil, "no length, no iterations or more than a million in all" },
        { pbkdf2("sha1", "p", "s", case[1], case[2]) })
    end
  end)

  it("takes a text in pieces, and begins anew", function()
    for _, key in ipairs({ false, "a key" }) do
      local whole = once("sha256", "one two", key or nil)
      local hash = new("sha256", key or nil)
      assert.is_true(C.hash_add(hash, http.str("one")))
      assert.is_true(C.hash_add(hash, http.str("")))
      assert.is_true(C.hash_add(hash, http.str(" two")))
      assert.equal(whole, finish(hash))
      assert.is_false(C.hash_add(hash, http.str("more")))
      assert.equal("", finish(hash))
      assert.is_true(C.hash_reset(hash))
      C.hash_add(hash, http.str("one two"))
      assert.equal(whole, finish(hash))
    end
  end)

  it("refuses what OpenSSL does not have, and what has no length of its own", function()
    for _, name in ipairs({ "", "sha255", "shake128", ("x"):rep(100) }) do
      assert.is_nil(new(name), name)
      assert.is_nil(new(name, "key"), name)
      assert.is_nil(once(name, "abc"), name)
    end
  end)
end)
