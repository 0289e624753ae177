local ip = require("weir.text.ip")

describe("weir.text.ip", function()
  it("knows IPv4 addresses", function()
    for _, s in ipairs({ "0.0.0.0", "127.0.0.1", "255.255.255.255" }) do
      assert.equal(4, ip.family(s))
    end
  end)

  it("knows IPv6 addresses", function()
    for _, s in ipairs({
      "::", "::1", "1::", "fe80::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::ffff:1.2.3.4",
      "64:ff9b::192.0.2.33", "ABCD::ef",
    }) do
      assert.equal(6, ip.family(s))
    end
  end)

  it("refuses what only looks like one", function()
    for _, s in ipairs({
      "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "a.b.c.d", ":", ":::",
      "1::2::3",
      "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "::1.2.3", "1.2.3.4::",
      "[::1]", "fe80::1%eth0", "::g",
    }) do
      assert.is_nil(ip.family(s), s)
    end
    assert.is_nil(ip.family(7))
  end)

  it("parses CIDR blocks", function()
    assert.same({ address = "10.0.0.0", family = 4, bits = 8 }, ip.parse_cidr("10.0.0.0/8"))
    assert.same({ address = "10.0.0.1", family = 4, bits = 32 }, ip.parse_cidr("10.0.0.1"))
    assert.same({ address = "::", family = 6, bits = 0 }, ip.parse_cidr("::/0"))
    assert.same({ address = "::1", family = 6, bits = 128 }, ip.parse_cidr("::1"))
  end)

  it("says what is wrong with a CIDR block", function()
    for s, message in pairs({
      ["10.0.0.0/33"] = "prefix length of '10.0.0.0/33' exceeds 32",
      ["::/129"] = "prefix length of '::/129' exceeds 128",
      ["10.0.0.0/"] = "invalid prefix length in '10.0.0.0/'",
      ["10.0.0.0/-1"] = "invalid prefix length in '10.0.0.0/-1'",
      ["10.0.0/8"] = "invalid IP address '10.0.0'",
      ["x"] = "invalid IP address 'x'",
    }) do
      local parsed, err = ip.parse_cidr(s)
      assert.is_nil(parsed)
      assert.equal(message, err)
    end
  end)
end)
