-- Modules that plugins know from OpenResty, on the core's own.

local to_hex = require("resty.string").to_hex

describe("resty's digests", function()
  it("take a text in pieces", function()
    for name, want in pairs({
      md5 = "900150983cd24fb0d6963f7d28e17f72",
      sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d",
      sha224 = "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
      sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }) do
      local object = require("resty." .. name):new()
      assert.is_true(object:update("a"))
      assert.is_true(object:update("bc"))
      assert.equal(want, to_hex(object:final()))
      assert.is_nil(object:final())
      assert.is_true(object:reset())
      object:update("abc")
      assert.equal(want, to_hex(object:final()))
    end
    for name, length in pairs({ sha384 = 48, sha512 = 64 }) do
      assert.equal(length, #require("resty." .. name):new():final())
    end
  end)
end)

describe("resty.string and resty.random", function()
  it("do what they say", function()
    assert.equal("00ff0a", to_hex("\0\255\10"))
    assert.equal("", to_hex(""))
    local atoi = require("resty.string").atoi
    assert.same({ 12, -3, 0 }, { atoi(" 12x"), atoi("-3"), atoi("x") })
    local random = require("resty.random")
    assert.equal(16, #random.bytes(16))
    assert.are_not.equal(random.bytes(16, true), random.bytes(16, true))
  end)
end)

describe("resty.jit-uuid", function()
  local uuid = require("resty.jit-uuid")

  it("makes UUIDs at random", function()
    uuid.seed()
    assert.is_true(uuid.is_valid(uuid()))
    assert.is_true(uuid.is_valid(tostring(uuid)))
    assert.are_not.equal(uuid.generate_v4(), uuid.generate_v4())
    assert.is_false(uuid.is_valid("x"))
    assert.is_false(uuid.is_valid(nil))
  end)

  it("makes UUIDs of names, as RFC 4122 has them", function()
    local dns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    assert.equal("3d813cbb-47fb-32ba-91df-831e1593ac29", uuid.generate_v3(dns, "www.widgets.com"))
    assert.equal("21f7f8de-8051-5b89-8680-0195ef798b6a", uuid.generate_v5(dns, "www.widgets.com"))
    assert.equal(uuid.generate_v5(dns, "a"), uuid.factory_v5(dns)("a"))
    assert.equal(uuid.generate_v3(dns, "a"), uuid.factory_v3(dns)("a"))
    assert.same({ nil, "namespace must be a valid UUID" }, { uuid.generate_v5("x", "a") })
    assert.same({ nil, "namespace must be a valid UUID" }, { uuid.factory_v3("x") })
    assert.same({ nil, "name must be a string" }, { uuid.generate_v3(dns, 1) })
  end)
end)

describe("OpenResty's modules for tables", function()
  it("count, tell lists, and copy", function()
    local nkeys, isarray = require("table.nkeys"), require("table.isarray")
    assert.same({ 0, 3 }, { nkeys({}), nkeys({ 1, 2, x = 3 }) })
    assert.is_true(require("table.isempty")({}))
    assert.is_false(require("table.isempty")({ x = 1 }))
    for _, list in ipairs({ {}, { 1 }, { nil, 2 }, { [0] = 1 }, { [-1] = 1 } }) do
      assert.is_true(isarray(list))
    end
    for _, t in ipairs({ { x = 1 }, { 1, x = 1 }, { [1.5] = 1 } }) do
      assert.is_false(isarray(t))
    end
    local inner = {}
    local copy = require("table.clone")(setmetatable({ 1, x = inner }, {}))
    assert.same({ 1, x = {} }, copy)
    assert.equal(inner, copy.x)
    assert.is_nil(getmetatable(copy))
  end)
end)

describe("resty.openssl", function()
  it("digests", function()
    local digest = require("resty.openssl.digest")
    local object = assert(digest.new("sha256"))
    assert.is_true(digest.istype(object))
    assert.is_false(digest.istype({}))
    assert.is_true(object:update("a", "b"))
    assert.equal("ba7816bf", to_hex(object:final("c")):sub(1, 8))
    assert.same({ nil, "digest:update: it has ended" }, { object:update("x") })
    assert.same({ nil, "digest:final: it has ended" }, { object:final() })
    assert.same({ nil, "digest:final: it has ended" }, { object:final("x") })
    assert.is_true(object:reset())
    assert.equal("ba7816bf", to_hex(object:final("abc")):sub(1, 8))
    assert.equal("a9993e36", to_hex(digest.new():final("abc")):sub(1, 8))
    assert.same({ nil, 'digest.new: invalid digest type "sha255"' }, { digest.new("sha255") })
  end)

  it("makes message authentication codes", function()
    local mac = require("resty.openssl.mac")
    local object = assert(mac.new("Jefe", "HMAC", nil, "sha256"))
    assert.is_true(mac.istype(object))
    assert.is_true(object:update("what do ya want ", "for "))
    assert.equal("5bdcc146bf60754e", to_hex(object:final("nothing?")):sub(1, 16))
    assert.is_true(object:reset())
    assert.equal("5bdcc146bf60754e",
      to_hex(object:final("what do ya want for nothing?")):sub(1, 16))
    assert.same({ nil, 'mac.new: invalid mac type "CMAC"' }, { mac.new("k", "CMAC", "aes128") })
    assert.same({ nil, 'mac.new: invalid digest type "nil"' }, { mac.new("k", "HMAC") })
  end)

  it("makes HMACs by the name of the digest alone", function()
    local hmac = require("resty.openssl.hmac")
    local object = assert(hmac.new("Jefe", "sha256"))
    assert.is_true(hmac.istype(object))
    assert.is_true(object:update("what do ya want ", "for "))
    assert.equal("5bdcc146bf60754e", to_hex(object:final("nothing?")):sub(1, 16))
    assert.is_true(object:reset())
    assert.equal("5bdcc146bf60754e",
      to_hex(object:final("what do ya want for nothing?")):sub(1, 16))
    assert.equal("effcdf6ae5eb2fa2",
      to_hex(hmac.new("Jefe"):final("what do ya want for nothing?")):sub(1, 16))
    assert.same({ nil, 'hmac.new: invalid digest type "none"' }, { hmac.new("k", "none") })
  end)

  it("has random bytes", function()
    local rand = require("resty.openssl.rand")
    assert.equal(32, #rand.bytes(32))
    assert.same({ nil, "rand.bytes: expect a number at #1" }, { rand.bytes() })
  end)
end)

describe("resty.lock", function()
  local slept, on_sleep, lock, dict

  setup(function()
    package.loaded["weir.wait"] = { sleep = function(seconds)
      slept[#slept + 1] = seconds
      on_sleep()
    end }
    local shared = require("weir.ngx.shared")
    shared.open({})
    dict = shared.dictionaries.kong_locks
    package.loaded["resty.lock"] = nil
    lock = require("resty.lock")
  end)

  before_each(function()
    slept, on_sleep = {}, function() end
    dict:flush_all()
  end)

  it("is held by one at a time", function()
    local one, two = assert(lock:new("kong_locks")), assert(lock:new("kong_locks", { timeout = 0 }))
    assert.equal(0, one:lock("k"))
    assert.same({ nil, "timeout" }, { two:lock("k") })
    assert.equal(0, two:lock("other"))
    assert.same({ nil, "locked" }, { one:lock("again") })
    assert.equal(1, one:unlock())
    assert.same({ nil, "unlocked" }, { one:unlock() })
    assert.equal(1, two:unlock())
    assert.equal(0, two:lock("k"))
  end)

  it("is waited for with growing pauses", function()
    dict:set("k", true)
    local waiting = lock:new("kong_locks",
      { timeout = 1, step = 0.1, ratio = 2, max_step = 0.3 })
    local elapsed, err = waiting:lock("k")
    assert.is_nil(elapsed)
    assert.equal("timeout", err)
    local sum = 0
    for _, seconds in ipairs(slept) do
      sum = sum + seconds
    end
    assert.is_true(math.abs(sum - 1) < 1e-9)
    assert.same({ 0.1, 0.2, 0.3, 0.3 }, { unpack(slept, 1, 4) })
    on_sleep = function() dict:delete("k") end
    assert.equal(0.1, waiting:lock("k"))
  end)

  it("lasts as long as it is told", function()
    local one = lock:new("kong_locks", { exptime = 10 })
    one:lock("k")
    assert.is_true(dict:ttl("k") > 5 and dict:ttl("k") <= 10)
    assert.is_true((one:expire(100)))
    assert.is_true(dict:ttl("k") > 50)
    one:unlock()
    assert.same({ nil, "unlocked" }, { one:expire(1) })
  end)

  it("needs a dictionary and a key", function()
    assert.same({ nil, "dictionary not found" }, { lock:new("none") })
    assert.same({ nil, "nil key" }, { lock:new("kong_locks"):lock(nil) })
  end)
end)
