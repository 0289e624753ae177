local ffi = require "ffi"
local cimport = require "spec.support.cimport"
local C = cimport("net/addr.h")


local function str(s)
  return ffi.new("struct str", { p = ffi.cast("const char *", s), n = #s })
end


local function parse(text, port)
  local addr = ffi.new("struct addr")
  local err = C.addr_parse(str(text), port or 0, addr)
  return err == nil and addr or nil
end


local function format(addr)
  local out = ffi.new("char[64]")
  local n = C.addr_format(addr, out)
  local with_port = ffi.string(out)
  assert.equal(#with_port, tonumber(n))
  n = C.addr_format_ip(addr, out)
  assert.equal(#ffi.string(out), tonumber(n))
  return with_port, ffi.string(out)
end


describe("net/addr", function()
  it("parses and formats literals", function()
    for text, expected in pairs({
      ["127.0.0.1"] = { "127.0.0.1:8443", "127.0.0.1" },
      ["255.255.255.255"] = { "255.255.255.255:8443", "255.255.255.255" },
      ["::1"] = { "[::1]:8443", "::1" },
      ["[::1]"] = { "[::1]:8443", "::1" },
      ["2001:DB8:0:0:0:0:0:1"] = { "[2001:db8::1]:8443", "2001:db8::1" },
      ["::ffff:10.0.0.1"] = { "[::ffff:10.0.0.1]:8443", "::ffff:10.0.0.1" },
      ["ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"] =
        { "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:8443",
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
    }) do
      local addr = assert(parse(text, 8443), text)
      assert.same(expected, { format(addr) })
      assert.equal(8443, C.addr_port(addr))
      assert.is_true(C.addr_is_ip(str(text)))
    end
  end)

  it("refuses everything else", function()
    for _, text in ipairs({
      "", " ", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "0x7f.0.0.1", "1.2.3.4 ",
      "127.0.0.1\0", "127.0.0.1:80", "[127.0.0.1]", "[::1", "::1]", "[]", "[", "::1%lo", ":::",
      "g::", "1:2:3:4:5:6:7:8:9", ("1"):rep(100), "::1\0x",
    }) do
      assert.is_nil(parse(text), text)
      assert.is_false(C.addr_is_ip(str(text)), text)
      local addr = ffi.new("struct addr")
      assert.equal("address", ffi.string(C.addr_parse(str(text), 1, addr).code))
      assert.equal(0, addr.len)
    end
  end)

  it("compares and hashes by meaning", function()
    local same = { parse("10.0.0.1", 80), parse("10.0.0.1", 80) }
    same[2].sa.v4.sin_zero[3] = 77
    assert.is_true(C.addr_eq(same[1], same[2]))
    assert.is_true(C.addr_hash(same[1]) == C.addr_hash(same[2]))

    local v6 = { parse("::1", 80), parse("::1", 80) }
    v6[2].sa.v6.sin6_flowinfo = 9
    assert.is_true(C.addr_eq(v6[1], v6[2]))
    v6[2].sa.v6.sin6_scope_id = 2
    assert.is_false(C.addr_eq(v6[1], v6[2]))

    for _, other in ipairs({ parse("10.0.0.1", 81), parse("10.0.0.2", 80),
                             parse("::ffff:10.0.0.1", 80), ffi.new("struct addr") }) do
      assert.is_false(C.addr_eq(same[1], other))
      assert.is_true(C.addr_hash(same[1]) ~= C.addr_hash(other))
    end
  end)

  it("sets the port", function()
    for _, text in ipairs({ "10.0.0.1", "::1" }) do
      local addr = parse(text, 1)
      C.addr_set_port(addr, 65535)
      assert.equal(65535, C.addr_port(addr))
    end
  end)

  it("formats no address as nothing", function()
    local addr = ffi.new("struct addr")
    assert.same({ "", "" }, { format(addr) })
    assert.equal(0, C.addr_port(addr))
  end)
end)
