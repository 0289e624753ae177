local ip = require("weir.text.ip")
local ipmatcher = require("resty.ipmatcher")

describe("resty.ipmatcher", function()
  local matcher = assert(ipmatcher.new({ "127.0.0.1", "10.0.0.0/8", "fe80::/32" }))

  it("finds addresses in blocks, by their texts and by their bytes", function()
    for address, found in pairs({
      ["127.0.0.1"] = true, ["127.0.0.2"] = false, ["10.9.9.9"] = true, ["fe80::1"] = true,
      ["fe81::1"] = false,
    }) do
      assert.equal(found, matcher:match(address))
      assert.equal(found, matcher:match_bin(ip.bytes(address)))
    end
  end)

  it("answers with values of blocks", function()
    local values = assert(ipmatcher.new_with_value({ ["10.0.0.0/8"] = "a", ["10.1.0.0/16"] = "b" }))
    assert.same({ "a", "b", false }, {
      values:match("10.0.0.1"), values:match("10.1.0.1"), values:match("11.0.0.1"),
    })
  end)

  it("says what is no address", function()
    assert.same({ nil, "invalid ip address: 10.0.0.0/33" }, { ipmatcher.new({ "10.0.0.0/33" }) })
    assert.same({ false, "invalid ip address, not ipv4 and ipv6" }, { matcher:match("a.b") })
    assert.same({ false, "invalid ip address, not ipv4 and ipv6" }, { matcher:match_bin("abc") })
    assert.has_error(function() matcher:match(1) end, "invalid argument ip")
    assert.has_error(function() matcher:match_bin(nil) end, "invalid argument bin_ip")
    assert.has_error(function() ipmatcher.new("10.0.0.1") end, "missing valid ip argument")
  end)

  it("parses addresses", function()
    assert.equal(0x7f000001, ipmatcher.parse_ipv4("127.0.0.1"))
    assert.is_false(ipmatcher.parse_ipv4("::1"))
    assert.same({ 0xfe800000, 0, 0, 1 }, ipmatcher.parse_ipv6("fe80::1"))
    assert.is_false(ipmatcher.parse_ipv6("127.0.0.1"))
  end)
end)
