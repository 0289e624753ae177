local tls = require "spec.support.tls"
local pki = require "spec.fixtures.pki"
local cimport = require "spec.support.cimport"
local ffi = require "ffi"

local C = cimport("tls/session.h")

ffi.cdef [[
void *SSL_SESSION_new(void);
int SSL_SESSION_set1_id(void *s, const char *id, unsigned n);
int SSL_SESSION_set_protocol_version(void *s, int version);
long SSL_SESSION_set_timeout(void *s, long seconds);
void SSL_SESSION_free(void *s);
]]

local ssl = ffi.load("ssl")

local NOW = 1000000
local FAR = 0x7fffffffffffffffLL

-- A TLS 1.2 session that the peer would know for `seconds`.
local function session(seconds)
  local s = ssl.SSL_SESSION_new()
  assert(ssl.SSL_SESSION_set1_id(s, "id", 2) == 1)
  assert(ssl.SSL_SESSION_set_protocol_version(s, 0x0303) == 1)
  ssl.SSL_SESSION_set_timeout(s, seconds)
  return s
end

describe("session", function()
  local cache, origin

  before_each(function()
    cache, origin = ffi.new("struct session_cache"), ffi.new("struct verdict_good")
  end)

  after_each(function()
    C.session_clear(cache)
    tls.close_all()
  end)

  -- A session whose chain was judged `now` and holds until `bound`.
  local function put(s, bound, now)
    C.session_put(cache, s, ffi.new("struct verdict_good", { at = now, bound = bound }), now)
  end

  local function take(now)
    local s = C.session_take(cache, now, origin)
    if s ~= nil then
      ssl.SSL_SESSION_free(s)
      return s
    end
  end

  it("gives the newest, and keeps a TLS 1.2 session", function()
    local old, new = session(100), session(100)
    put(old, FAR, NOW)
    put(new, FAR, NOW)
    assert.equal(new, take(NOW))
    assert.equal(new, take(NOW + 99))
    assert.equal(2, cache.count)
    assert.is_nil(take(NOW + 100))
    assert.equal(0, cache.count)
  end)

  it("keeps four", function()
    for _ = 1, 6 do
      put(session(100), FAR, NOW)
    end
    assert.equal(4, cache.count)
  end)

  it("is bounded by the chain, by the peer's lifetime and by an hour", function()
    put(session(10000), FAR, NOW)
    assert.is_truthy(take(NOW + 3599))
    assert.is_nil(take(NOW + 3600))
    put(session(100), NOW + 10, NOW)
    assert.is_truthy(take(NOW + 9))
    assert.equal(NOW + 10, tonumber(origin.bound))
    assert.is_nil(take(NOW + 10))
    put(session(100), NOW, NOW)
    put(session(0), FAR, NOW)
    assert.equal(0, cache.count)
  end)

  it("counts the hour from the full handshake, however often it was renewed", function()
    local judged = ffi.new("struct verdict_good",
      { at = NOW - 3000, bound = FAR, anchor = "CN=root" })
    C.session_put(cache, session(10000), judged, NOW)
    assert.is_truthy(take(NOW + 599))
    assert.same({ NOW - 3000, "CN=root" }, { tonumber(origin.at), ffi.string(origin.anchor) })
    assert.is_nil(take(NOW + 600))
  end)

  it("drops sessions from the future", function()
    put(session(100), FAR, NOW)
    assert.is_nil(take(NOW - 1))
    assert.equal(0, cache.count)
  end)

  it("does not keep what cannot be resumed", function()
    local s = ssl.SSL_SESSION_new()
    ssl.SSL_SESSION_set_protocol_version(s, 0x0303)
    put(s, FAR, NOW)
    assert.equal(0, cache.count)
  end)

  it("gives a TLS 1.3 ticket once, but for the last one", function()
    local client = assert(tls.client(assert(tls.policy({ min_version = 0x0304 }))))
    tls.visit(client, assert(tls.server({}, tls.identity(pki.get("leaf")))), "kong.example", cache)
    assert.equal(2, cache.count)
    local now = os.time()
    local first, second = take(now), take(now)
    assert.is_true(first ~= nil and second ~= nil and first ~= second)
    assert.equal(second, take(now))
    assert.equal(1, cache.count)
  end)
end)
