local ffi = require "ffi"
local socket = require "socket"
local net = require "spec.support.net"
local cimport = require "spec.support.cimport"
local C = cimport("net/resolve.h")

-- Callbacks from C may not be called from compiled code.
jit.off(true, true)

ffi.cdef("int setenv(const char *name, const char *value, int overwrite);")

local A, CNAME, AAAA = 1, 5, 28
local NXDOMAIN, SERVFAIL = 3, 2


-- A name server for one spec: zones maps a name to
-- { A = {...}, AAAA = {...}, ttl, cname, cname_ttl, rcode, mute }.
local Server = {}
Server.__index = Server


function Server.new()
  local udp = assert(socket.udp())
  assert(udp:setsockname("127.0.0.1", 0))
  udp:settimeout(0)
  local _, port = udp:getsockname()
  return setmetatable({ udp = udp, port = port, zones = {}, queries = {} }, Server)
end


local function u16(n)
  return string.char(math.floor(n / 256), n % 256)
end


local function u32(n)
  return u16(math.floor(n / 65536)) .. u16(n % 65536)
end


local function encode_name(name)
  return name:gsub("([^.]+)%.?", function(label) return string.char(#label) .. label end) .. "\0"
end


local function address(text)
  local addr = ffi.new("struct addr")
  local s = ffi.new("struct str", { p = ffi.cast("const char *", text), n = #text })
  assert(C.addr_parse(s, 0, addr) == nil)
  if addr.len == ffi.sizeof("struct sockaddr_in") then
    return ffi.string(addr.sa.v4.sin_addr, 4)
  end
  return ffi.string(addr.sa.v6.sin6_addr, 16)
end


local function record(name, type, ttl, data)
  return name .. u16(type) .. u16(1) .. u32(ttl) .. u16(#data) .. data
end


function Server:answer(query)
  local at, labels = 13, {}
  while query:byte(at) > 0 do
    labels[#labels + 1] = query:sub(at + 1, at + query:byte(at))
    at = at + 1 + query:byte(at)
  end
  local name = table.concat(labels, "."):lower()
  local type = query:byte(at + 1) * 256 + query:byte(at + 2)
  self.queries[name] = (self.queries[name] or 0) + 1
  local zone = self.zones[name] or { rcode = NXDOMAIN }
  if zone.mute then
    return nil
  end
  local records, owner = {}, "\192\12"
  if zone.cname then
    records[1] = record(owner, CNAME, zone.cname_ttl or zone.ttl or 60, encode_name(zone.cname))
    owner = encode_name(zone.cname)
  end
  local kind = type == A and "A" or "AAAA"
  for _, text in ipairs(zone[kind] or {}) do
    records[#records + 1] = record(owner, type == A and A or AAAA, zone.ttl or 60, address(text))
  end
  return query:sub(1, 2) .. u16(0x8180 + (zone.rcode or 0)) .. u16(1) .. u16(#records) .. u32(0) ..
    query:sub(13, at + 4) .. table.concat(records)
end


function Server:step()
  while true do
    local query, ip, port = self.udp:receivefrom()
    if not query then
      return
    end
    local answer = self:answer(query)
    if answer then
      self.udp:sendto(answer, ip, port)
    end
  end
end


describe("net/resolve", function()
  local world, resolver, server, callback, answers

  setup(function()
    ffi.C.setenv("LOCALDOMAIN", "search.test", 1)
  end)

  local function list(resolved)
    local out, text = {}, ffi.new("char[64]")
    for i = 0, resolved.count - 1 do
      assert.equal(0, C.addr_port(resolved.addrs[i]))
      C.addr_format_ip(resolved.addrs[i], text)
      out[#out + 1] = ffi.string(text)
    end
    return out
  end

  before_each(function()
    world, server, answers = net.new(), Server.new(), {}
    local out = ffi.new("struct resolver *[1]")
    assert.is_true(C.resolver_new(world.loop, out) == nil)
    resolver = out[0]
    assert.is_true(C.resolver_set_servers(resolver, "127.0.0.1:" .. server.port) == nil)
    local signature = "void (*)(void *, const struct resolved *, err_t)"
    callback = ffi.cast(signature, function(arg, answer, err)
      answers[tonumber(ffi.cast("intptr_t", arg))] =
        err ~= nil and ffi.string(err.code) or list(answer)
    end)
  end)

  after_each(function()
    C.resolver_free(resolver)
    world:free()
    callback:free()
    server.udp:close()
  end)

  -- Asks; returns the addresses when they are there at once, else nil and the query.
  local function ask(name, tag)
    local s = ffi.new("struct str", { p = ffi.cast("const char *", name), n = #name })
    local out, query = ffi.new("struct resolved[1]"), ffi.new("struct resolve_query *[1]")
    local arg = ffi.cast("void *", tag or 1)
    if C.resolve(resolver, s, out, query, callback, arg) then
      assert.is_true(query[0] == nil)
      return list(out[0])
    end
    assert.is_nil(answers[tag or 1])
    return nil, query[0]
  end

  -- Asks and waits; returns the addresses, or the code of the error.
  local function get(name)
    answers[1] = nil
    local at_once = ask(name)
    if at_once then
      return at_once
    end
    return world:wait("an answer", function()
      server:step()
      return answers[1]
    end)
  end

  -- The clock that the resolver sees, until the loop wakes up again.
  local function skip(seconds)
    world.loop.now = world.loop.now + seconds * 1000
  end

  it("answers literals at once", function()
    assert.same({ "192.0.2.1" }, ask("192.0.2.1"))
    assert.same({ "192.0.2.1" }, ask("192.0.2.1"))
    assert.same({ "2001:db8::1" }, ask("2001:DB8::1"))
    assert.same({ "2001:db8::1" }, ask("[2001:db8::1]"))
  end)

  it("knows localhost without asking anybody", function()
    local found = get("localhost")
    assert.is_table(found, tostring(found))
    assert.equal("127.0.0.1", found[1])
    assert.is_nil(server.queries["localhost"])
  end)

  it("asks for both families; IPv4 comes first, nothing twice", function()
    server.zones["both.test"] = {
      A = { "192.0.2.1", "192.0.2.2", "192.0.2.1" }, AAAA = { "2001:db8::1" },
    }
    assert.same({ "192.0.2.1", "192.0.2.2", "2001:db8::1" }, get("both.test"))
    server.zones["six.test"] = { AAAA = { "2001:db8::1" } }
    assert.same({ "2001:db8::1" }, get("six.test"))
  end)

  it("follows aliases and search domains", function()
    server.zones["alias.test"] = { cname = "real.test", A = { "192.0.2.7" } }
    assert.same({ "192.0.2.7" }, get("alias.test"))
    server.zones["short.search.test"] = { A = { "192.0.2.8" } }
    assert.same({ "192.0.2.8" }, get("short"))
  end)

  it("remembers answers for their TTL, whatever the case of the name", function()
    server.zones["a.test"] = { A = { "192.0.2.1" }, ttl = 30 }
    get("a.test")
    local asked = server.queries["a.test"]
    skip(29)
    assert.same({ "192.0.2.1" }, ask("A.Test"))
    world:turn()
    server:step()
    assert.equal(asked, server.queries["a.test"])
  end)

  it("serves a stale answer while it fetches a new one", function()
    server.zones["a.test"] = { A = { "192.0.2.1" }, ttl = 30 }
    get("a.test")
    server.zones["a.test"].A = { "192.0.2.2" }
    skip(31)
    assert.same({ "192.0.2.1" }, ask("a.test"))
    world:wait("the new answer", function()
      server:step()
      return ask("a.test")[1] == "192.0.2.2"
    end)
  end)

  it("keeps the stale answer when it cannot be renewed, but not for ever", function()
    server.zones["a.test"] = { A = { "192.0.2.1" }, ttl = 30 }
    get("a.test")
    server.zones["a.test"] = nil
    skip(31)
    local asked = server.queries["a.test"]
    assert.same({ "192.0.2.1" }, ask("a.test"))
    world:wait("a question", function()
      server:step()
      return server.queries["a.test"] > asked
    end)
    world:pass(10)
    skip(40)
    assert.same({ "192.0.2.1" }, ask("a.test"))
    skip(3700)
    assert.is_nil(ask("a.test", 5))
    world:wait("the failure", function()
      server:step()
      return answers[5]
    end)
    assert.equal("dns_not_found", answers[5])
  end)

  it("bounds TTLs at both ends, and takes the shortest of a chain", function()
    server.zones["zero.test"] = { A = { "192.0.2.1" }, ttl = 0 }
    server.zones["long.test"] = { A = { "192.0.2.1" }, ttl = 900000 }
    server.zones["chain.test"] =
      { cname = "x.test", cname_ttl = 10, A = { "192.0.2.1" }, ttl = 900 }
    for name, ttl in pairs({ ["zero.test"] = 1, ["long.test"] = 3600, ["chain.test"] = 10 }) do
      get(name)
      local asked = server.queries[name]
      skip(ttl - 0.1)
      ask(name)
      world:pass(5)
      server:step()
      assert.equal(asked, server.queries[name], name)
      skip(ttl + 0.1)
      ask(name)
      world:wait("a question", function()
        server:step()
        return server.queries[name] > asked
      end)
    end
  end)

  it("asks once for several who wait", function()
    server.zones["a.test"] = { A = { "192.0.2.1" } }
    ask("a.test", 1)
    ask("a.test", 2)
    local _, cancelled = ask("a.test", 3)
    C.resolve_cancel(cancelled)
    world:wait("both", function()
      server:step()
      return answers[1] and answers[2]
    end)
    assert.same({ "192.0.2.1" }, answers[2])
    assert.is_nil(answers[3])
    assert.is_true(server.queries["a.test"] <= 2)   -- A and AAAA
  end)

  it("remembers a failure for a second", function()
    assert.equal("dns_not_found", get("missing.test"))
    local asked = server.queries["missing.test"]
    assert.equal("dns_not_found", get("missing.test"))
    assert.equal(asked, server.queries["missing.test"])
    server.zones["missing.test"] = { A = { "192.0.2.1" } }
    skip(1.1)
    assert.same({ "192.0.2.1" }, get("missing.test"))
  end)

  it("tells failures apart", function()
    server.zones["empty.test"] = {}
    assert.equal("dns_not_found", get("empty.test"))
    server.zones["broken.test"] = { rcode = SERVFAIL }
    assert.equal("dns_failed", get("broken.test"))
    server.zones["mute.test"] = { mute = true }
    assert.equal("dns_timeout", get("mute.test"))
  end)

  it("refuses names that cannot exist, later as ever", function()
    for i, name in ipairs({ "", ("x"):rep(256), "a\0b", "a..b", ("y"):rep(64) .. ".test" }) do
      assert.is_nil(ask(name, i))
      world:wait("the failure", function()
        server:step()
        return answers[i]
      end)
      assert.equal("dns_not_found", answers[i], name)
    end
  end)

  it("forgets a cancelled query that was about to be answered", function()
    get("missing.test")
    local _, query = ask("missing.test", 2)
    C.resolve_cancel(query)
    world:pass(5)
    assert.is_nil(answers[2])
  end)

  it("calls nobody once it is freed", function()
    server.zones["mute.test"] = { mute = true }
    ask("mute.test", 7)
    local _, query = ask("missing.test", 8)
    assert.is_true(query ~= nil)
    world:turn()
    C.resolver_free(resolver)
    world:pass(5)
    assert.is_nil(answers[7] or answers[8])
    local out = ffi.new("struct resolver *[1]")
    assert.is_true(C.resolver_new(world.loop, out) == nil)
    resolver = out[0]
  end)

  it("keeps a bounded number of names", function()
    server.zones["a.test"] = { A = { "192.0.2.1" } }
    get("a.test")
    local asked = server.queries["a.test"]
    for i = 0, 10000 do
      ask(("10.0.%d.%d"):format(math.floor(i / 256), i % 256))
    end
    assert.same({ "192.0.2.1" }, get("a.test"))
    assert.is_true(server.queries["a.test"] > asked)
  end)

  it("refuses servers that are none", function()
    assert.equal("address", ffi.string(C.resolver_set_servers(resolver, "nonsense").code))
  end)
end)
