-- What peers presented last: what is kept of them, and for how long.

local cimport = require "spec.support.cimport"
local tls = require "spec.support.tls"
local pki = require "spec.fixtures.pki"
local ffi = require "ffi"

local C = cimport("tls/seen.h")

local NOW = 1700000000
local MANY = 1024 * 1024

-- C calls back into Lua during handshakes (spec.support.tls).
jit.off(true, true)

describe("seen", function()
  local seen, sides
  local record, chain = ffi.new("struct seen_record"), ffi.new("char[?]", C.SEEN_CHAIN_MAX + 1)

  local function start(peers, bytes)
    seen = ffi.new("struct seen")
    C.seen_init(seen, peers or 16, bytes or MANY)
  end

  before_each(function()
    sides = {}
    start()
  end)

  after_each(function()
    C.seen_done(seen)
    tls.close_all()
  end)

  -- What a server with this identity presents, with the verdict on it.
  local function presented(identity, at)
    local client = assert(tls.client(assert(tls.policy({}))))
    local near = tls.handshake(client, assert(tls.server({}, tls.identity(pki.get(identity)))))
    sides[#sides + 1] = { near, client }
    local copy = ffi.new("struct tls_presented", C.tls_client_presented(near.conn)[0])
    copy.at = at or NOW
    return copy, C.tls_client_describe(near.conn)
  end

  -- A peer; fields in `want`, and the route that asks.
  local function peer(want, route)
    want = want or {}
    local addr, kept = ffi.new("struct addr"), {}
    assert(C.addr_parse(tls.str(want.ip or "10.0.0.1"), want.port or 443, addr) == nil)
    local name, sni = tls.name(want.name or "a.example"), tls.name(want.sni or "b.example")
    local function text(s)
      kept[#kept + 1] = s
      return tls.str(s)
    end
    local policy = want.policy or "p"
    return ffi.new("struct seen_peer", {
      service_id = text(want.service or "s"), service_name = text(want.called or "service"),
      route_id = text(route or "r"), route_name = text("route"), addr = addr, name = name,
      sni = sni, policy = policy,
    }), { addr, name, sni, kept, policy }
  end

  local function put(want, what, verdict, route)
    local who, kept = peer(want, route)
    -- The verdict names the policy that it was reached under.
    local under = ffi.new("struct verdict", verdict[0])
    under.policy = want and want.policy or "p"
    C.seen_put(seen, who, what, under)
    kept[1] = nil
  end

  local function again(want, what, code, route)
    local who, kept = peer(want, route)
    local known = C.seen_again(seen, who, what, code)
    kept[1] = nil
    return known
  end

  local function list()
    local found, number = {}, 0
    while C.seen_next(seen, number, record, chain) do
      number = record.number
      local ip = ffi.new("char[64]")
      C.addr_format_ip(record.addr, ip)
      found[#found + 1] = {
        number = tonumber(number), ip = ffi.string(ip), service = ffi.string(record.service_id),
        route = ffi.string(record.route_id), at = tonumber(record.at),
        called = ffi.string(record.service_name),
        code = ffi.string(C.verdict_code_name(record.verdict.code)),
        text = ffi.string(record.verdict.text), chain = ffi.string(chain),
      }
    end
    return found
  end

  local function addresses()
    local found = {}
    for i, entry in ipairs(list()) do
      found[i] = entry.ip
    end
    return found
  end

  it("keeps chain and verdict of a peer", function()
    put({}, presented("leaf"))
    put({ ip = "::1" }, presented("expired"))
    local found = list()
    assert.equal(2, #found)
    assert.same({ "10.0.0.1", "s", "r", NOW, "ok", "ok" }, { found[1].ip, found[1].service,
      found[1].route, found[1].at, found[1].code, found[1].text })
    local trust, err = tls.trust(found[1].chain)
    assert.is_truthy(trust, err)
    assert.equal(1, (found[1].chain:find(pki.pem(pki.get("leaf")):match("%-%-%-%-%-BEGIN.*"), 1,
      true)))
    assert.same({ "::1", "expired", "certificate has expired" },
      { found[2].ip, found[2].code, found[2].text })
    assert.is_true(#found[1].chain <= tonumber(seen.bytes))
  end)

  it("needs nothing more where chain and verdict are as before", function()
    local first, verdict = presented("leaf")
    assert.is_false(again({}, first, C.VERDICT_OK))
    put({}, first, verdict)
    local later = presented("leaf", NOW + 60)
    assert.is_true(again({ called = "renamed" }, later, C.VERDICT_OK, "other"))
    assert.same({ NOW + 60, "other", "renamed" },
      { list()[1].at, list()[1].route, list()[1].called })
    assert.is_false(again({}, later, C.VERDICT_NAME_MISMATCH))
    assert.is_false(again({}, presented("expired"), C.VERDICT_OK))
    assert.equal(NOW + 60, list()[1].at)
  end)

  it("takes each field of a peer for another one", function()
    local first, verdict = presented("leaf")
    put({}, first, verdict)
    for field, value in pairs({
      ip = "10.0.0.2", port = 444, name = "c.example", sni = "", policy = "q", service = "t",
    }) do
      assert.is_false(again({ [field] = value }, first, C.VERDICT_OK), field)
      put({ [field] = value }, first, verdict)
    end
    assert.equal(7, #list())
    assert.is_true(again({}, first, C.VERDICT_OK))
  end)

  it("puts a new chain in the place of the old one", function()
    put({}, presented("leaf"))
    local number, bytes = list()[1].number, tonumber(seen.bytes)
    put({}, presented("deep3"))
    assert.same({ 1, number }, { #list(), list()[1].number })
    assert.is_true(tonumber(seen.bytes) > bytes)
    assert.equal(#list()[1].chain, tonumber(seen.bytes))
    put({}, presented("leaf"))
    assert.equal(bytes, tonumber(seen.bytes))
  end)

  it("makes room by forgetting who was seen longest ago", function()
    C.seen_done(seen)
    start(3)
    local what, verdict = presented("leaf")
    for i = 1, 3 do
      put({ ip = "10.0.0." .. i }, what, verdict)
    end
    assert.is_true(again({ ip = "10.0.0.1" }, what, C.VERDICT_OK))
    put({ ip = "10.0.0.4" }, what, verdict)
    assert.same({ "10.0.0.1", "10.0.0.3", "10.0.0.4" }, addresses())
    put({ ip = "10.0.0.5" }, what, verdict)
    assert.same({ "10.0.0.1", "10.0.0.4", "10.0.0.5" }, addresses())
  end)

  it("is bounded in bytes, too, and keeps the newest in any case", function()
    local what, verdict = presented("leaf")
    put({}, what, verdict)
    local size = tonumber(seen.bytes)
    C.seen_done(seen)
    start(100, 2 * size)
    for i = 1, 5 do
      put({ ip = "10.0.0." .. i }, what, verdict)
    end
    assert.same({ "10.0.0.4", "10.0.0.5" }, addresses())
    assert.equal(2 * size, tonumber(seen.bytes))
    C.seen_done(seen)
    start(100, 1)
    put({ ip = "10.0.0.1" }, what, verdict)
    put({ ip = "10.0.0.2" }, what, verdict)
    assert.same({ "10.0.0.2" }, addresses())
  end)

  it("cuts names that are too long, and knows them again", function()
    local what, verdict = presented("leaf")
    local long = ("x"):rep(100)
    put({ service = long }, what, verdict)
    assert.equal(long:sub(1, C.SEEN_ID - 1), list()[1].service)
    assert.is_true(again({ service = long }, what, C.VERDICT_OK))
  end)
end)
