require("spec.support.fake_core").install()
local host = require("weir.text.host")

describe("weir.text.host", function()
  it("parses names and addresses, with and without a port", function()
    for s, expected in pairs({
      ["a"] = { host = "a", type = "name" },
      ["a.example."] = { host = "a.example.", type = "name" },
      ["_srv.a-b.c:80"] = { host = "_srv.a-b.c", port = 80, type = "name" },
      ["10.0.0.1"] = { host = "10.0.0.1", type = "ipv4" },
      ["10.0.0.1:0"] = { host = "10.0.0.1", port = 0, type = "ipv4" },
      ["::1"] = { host = "::1", type = "ipv6" },
      ["[::1]"] = { host = "::1", type = "ipv6" },
      ["[::1]:65535"] = { host = "::1", port = 65535, type = "ipv6" },
    }) do
      assert.same(expected, host.parse(s))
    end
  end)

  it("takes names in UTF-8 for what they stand for", function()
    local name = "xn--bcher-kva.example"
    for s, expected in pairs({
      ["bücher.example"] = { host = name, type = "name" },
      ["bücher.example.:80"] = { host = name .. ".", port = 80, type = "name" },
    }) do
      assert.same(expected, host.parse(s))
    end
    assert.same({ nil, "invalid hostname: ö (no such name)", "no such name" }, { host.parse("ö") })
    assert.same({ nil, "invalid port number" }, { host.parse("bücher:x") })
  end)

  it("writes them in ASCII, and leaves the rest alone", function()
    for s, expected in pairs({
      ["a.example:80"] = "a.example:80", ["*.b"] = "*.b", ["[::1]:80"] = "[::1]:80",
      ["bücher:80"] = "xn--bcher-kva:80", ["*.bücher"] = "*.xn--bcher-kva",
      ["bücher.*:80"] = "xn--bcher-kva.*:80", ["bücher."] = "xn--bcher-kva.",
    }) do
      assert.equal(expected, host.ascii(s))
    end
    assert.same({ nil, "no such name" }, { host.ascii("ö") })
  end)

  it("refuses what is neither", function()
    for s, message in pairs({
      [""] = "invalid hostname: ",
      ["."] = "invalid hostname: .",
      ["a..b"] = "invalid hostname: a..b",
      [".a"] = "invalid hostname: .a",
      ["-a"] = "invalid hostname: -a",
      ["a-"] = "invalid hostname: a-",
      ["a b"] = "invalid hostname: a b",
      ["1.2.3"] = "invalid hostname: 1.2.3",
      ["1.2.3.4.5"] = "invalid hostname: 1.2.3.4.5",
      ["a/b"] = "invalid hostname: a/b",
      ["[a]:80"] = "invalid ipv6 address: [a]:80",
      ["a:"] = "invalid port number",
      ["a:x"] = "invalid port number",
      ["a:65536"] = "invalid port number",
      ["[::1]:x"] = "invalid port number",
    }) do
      local parsed, err = host.parse(s)
      assert.is_nil(parsed, s)
      assert.equal(message, err)
    end
    assert.is_nil(host.parse(("a"):rep(64)))
    assert.is_nil(host.parse(("a."):rep(128) .. "a"))
  end)

  it("puts a host and a port together", function()
    assert.equal("a.example:80", host.format("a.example", 80))
    assert.equal("[::1]:80", host.format("::1", 80))
    assert.equal("::1", host.format("::1"))
  end)

  it("has one spelling for each host", function()
    for _, names in ipairs({
      { "a.example", "A.Example.", "a.EXAMPLE" },
      { "10.0.0.1", "10.0.0.1" },
      { "::1", "0:0:0:0:0:0:0:1", "0000::0001" },
      { "2001:db8::A", "2001:DB8:0::a" },
    }) do
      for _, name in ipairs(names) do
        assert.equal(host.canonical(names[1]), host.canonical(name))
      end
    end
    assert.not_equal(host.canonical("::1"), host.canonical("::2"))
    assert.not_equal(host.canonical("10.0.0.1"), host.canonical("10.0.0.10"))
  end)
end)
