local cimport = require "spec.support.cimport"
local ffi = require "ffi"

local C = cimport("tls/verdict.h")

local HOUR = 3600
local NOW = 1000000

local function key(n)
  return ffi.new("unsigned char[32]", { n % 256, math.floor(n / 256) })
end

describe("verdict", function()
  it("has a stable name for each code", function()
    assert.equal("ok", ffi.string(C.verdict_code_name(C.VERDICT_OK)))
    assert.equal("other", ffi.string(C.verdict_code_name(C.VERDICT_OTHER)))
    assert.equal("other", ffi.string(C.verdict_code_name(C.VERDICT_OTHER + 1)))
  end)

  it("is described with every code and every field", function()
    local file = assert(io.open("plugins/upstream-tls/README.md"))
    local described = file:read("*a"):match("\n## Verdicts\n(.-)\n## ")
    file:close()
    for code = 0, C.VERDICT_CODE_COUNT - 1 do
      local name = ffi.string(C.verdict_code_name(code))
      assert.truthy(described:find("`" .. name .. "`", 1, true), name)
    end
    local text = ffi.new("char[?]", C.VERDICT_LINE)
    C.verdict_print(ffi.new("struct verdict", {
      subject = "s", issuer = "i", not_after = 1, names_seen = "n", names_wanted = "n",
      anchor = "a", text = "t", ocsp = C.VERDICT_OCSP_GOOD, has_next = true,
      mode = C.POLICY_VERIFY,
    }), text)
    local count = 0
    for name in ffi.string(text):gmatch(", ([%l_%d]+): ") do
      count = count + 1
      assert.truthy(described:find("`" .. name .. "`", 1, true), name)
    end
    assert.equal(19, count)
  end)

  it("takes an error that it does not know for bad", function()
    assert.equal(C.VERDICT_OK, C.verdict_code_of(0))
    for number = 1, 120 do
      assert.is_true(C.verdict_code_of(number) > C.VERDICT_UNVERIFIED, tostring(number))
    end
    assert.equal(C.VERDICT_OTHER, C.verdict_code_of(99999))
    assert.equal(C.VERDICT_OTHER, C.verdict_code_of(-1))
  end)

  local out = ffi.new("char[?]", C.VERDICT_LINE)

  local function printed(fields)
    local text = "the reason"
    fields.text = fields.text or text
    local length = C.verdict_print(ffi.new("struct verdict", fields), out)
    assert.equal(tonumber(length), #ffi.string(out))
    return ffi.string(out)
  end

  it("prints what it says, and nothing else", function()
    assert.equal(', code: unverified, openssl: 0, text: "the reason", bundle: b, policy: p, '
      .. "mode: off, resumed: true, cached: false", printed({
        code = C.VERDICT_UNVERIFIED, depth = -1, bundle = "b", policy = "p",
        mode = C.POLICY_NO_VERIFY, resumed = true,
      }))
    assert.equal(', code: expired, depth: 1, openssl: 10, text: "the reason", subject: "CN=s", '
      .. 'issuer: "CN=i", sha256: ' .. ("ab"):rep(32) .. ", not_before: 5, not_after: 7, "
      .. 'names_seen: "DNS:a", names_wanted: "DNS:b", anchor: "CN=r", bundle: b, policy: p, '
      .. "mode: report, resumed: false, cached: true, ocsp: bad, next_code: ok", printed({
        code = C.VERDICT_EXPIRED, openssl = 10, depth = 1, subject = "CN=s", issuer = "CN=i",
        sha256 = { 0xab }, not_before = 5, not_after = 7, names_seen = "DNS:a",
        names_wanted = "DNS:b", anchor = "CN=r", bundle = "b", policy = "p",
        mode = C.POLICY_REPORT, cached = true, has_next = true, next = C.VERDICT_OK,
        ocsp = C.VERDICT_OCSP_BAD,
      }))
  end)

  it("prints the longest names in full, and cuts what does not fit", function()
    local name, list = ("n"):rep(C.VERDICT_NAME - 1), ("l"):rep(C.VERDICT_LIST - 1)
    local fields = {
      code = C.VERDICT_EXPIRED, subject = name, issuer = name, anchor = name, names_seen = list,
      names_wanted = list, bundle = "b", policy = "p", mode = C.POLICY_VERIFY,
    }
    assert.matches("cached: false$", printed(fields))
    fields.text = ("t"):rep(C.VERDICT_LINE)
    assert.equal(C.VERDICT_LINE - 1, #printed(fields))
  end)
end)

describe("verdict_cache", function()
  local cache, bound

  before_each(function()
    cache, bound = ffi.new("struct verdict_cache"), ffi.new("struct verdict_good")
    C.verdict_cache_init(cache)
  end)

  after_each(function()
    C.verdict_cache_done(cache)
  end)

  local function put(digest, now, ends)
    C.verdict_cache_put(cache, digest, ffi.new("struct verdict_good", { at = now, bound = ends }))
  end

  local function find(n, now)
    return C.verdict_cache_find(cache, key(n), now, bound)
  end

  it("answers for what it was told, and gives the chain's end back", function()
    assert.is_false(find(1, NOW))
    put(key(1), NOW, NOW + HOUR)
    assert.is_true(find(1, NOW))
    assert.equal(NOW + HOUR, tonumber(bound.bound))
    assert.is_false(find(2, NOW))
  end)

  it("forgets after half an hour", function()
    put(key(1), NOW, NOW + HOUR)
    assert.is_true(find(1, NOW + HOUR / 2 - 1))
    assert.is_false(find(1, NOW + HOUR / 2))
    assert.equal(0, tonumber(cache.table.count))
  end)

  it("does not outlive the chain", function()
    put(key(1), NOW, NOW + 10)
    assert.is_true(find(1, NOW + 9))
    assert.is_false(find(1, NOW + 10))
  end)

  it("does not answer when the clock went backwards", function()
    put(key(1), NOW, NOW + HOUR)
    assert.is_false(find(1, NOW - 1))
    assert.is_false(find(1, NOW))
  end)

  it("holds 256, and the oldest makes room", function()
    for n = 1, 256 do
      put(key(n), NOW, NOW + HOUR)
    end
    put(key(1), NOW + 1, NOW + HOUR)
    assert.is_true(find(2, NOW + 1))
    put(key(257), NOW + 1, NOW + HOUR)
    assert.equal(256, tonumber(cache.table.count))
    assert.is_false(find(2, NOW + 1))
    assert.is_true(find(1, NOW + 1))
    assert.is_true(find(257, NOW + 1))
  end)
end)
