local cimport = require "spec.support.cimport"
local ffi = require "ffi"

local C = cimport("tls/peer_name.h")

local function parse(text)
  local name = ffi.new("struct peer_name")
  local err = C.peer_name_parse(ffi.new("struct str", { ffi.cast("const char *", text), #text }),
    name)
  if err ~= nil then
    assert.equal("address", ffi.string(err.code))
    assert.same({ 0, false }, { name.len, name.ip })
    return nil
  end
  assert.equal(name.len, #ffi.string(name.text))
  return ffi.string(name.text), name.ip and name.ip_len or nil
end

describe("peer_name", function()
  it("normalises host names", function()
    for text, want in pairs({
      ["example.com"] = "example.com",
      ["Example.COM.:443"] = "example.com",
      ["example.com:"] = "example.com",
      ["a_b-c.1.x"] = "a_b-c.1.x",
      ["localhost"] = "localhost",
      ["127.1"] = "127.1",
      ["xn--bcher-kva.example"] = "xn--bcher-kva.example",
    }) do
      assert.same({ want }, { parse(text) })
    end
  end)

  it("knows addresses, in one spelling", function()
    assert.same({ "127.0.0.1", 4 }, { parse("127.0.0.1") })
    assert.same({ "127.0.0.1", 4 }, { parse("127.0.0.1.:8443") })
    for _, text in ipairs({ "::1", "[::1]", "[::1]:8443", "[0:0:0:0:0:0:0:1]:", "[0::0001]" }) do
      assert.same({ "::1", 16 }, { parse(text) })
    end
    assert.same({ "::ffff:127.0.0.1", 16 }, { parse("[::FFFF:7f00:1]") })
  end)

  it("refuses what is no host name", function()
    for _, text in ipairs({
      "", ".", "..", ".example.com", "a..b", "example.com..", ":80", "example.com:x",
        "example.com:65536",
      "example.com:123456", "example.com:-1", "*.example.com", "a b", "a\0b", "example.com\0",
        "a\nb", "b\195\188cher.example",
      "user@host", "a/b", "[::1", "[::1]x", "[::1]:x", "[127.0.0.1]", "[a.b]", "[]", "::1%eth0",
        "[fe80::1%1]",
      "1:2:3", "::1.", ("a"):rep(64) .. ".b", ("a."):rep(127) .. "b",
    }) do
      assert.is_nil(parse(text), text)
    end
    assert.is_string(parse(("a"):rep(63) .. ".b"))
    assert.is_string(parse(("a."):rep(126) .. "b"))
  end)
end)
