local listen = require("weir.settings.listen")

describe("weir.settings.listen", function()
  it("parses addresses and flags", function()
    assert.same({
      { host = "0.0.0.0", port = 8000, family = 4, ssl = false, reuseport = true, backlog = 16384 },
      { host = "127.0.0.1", port = 8443, family = 4, ssl = true, reuseport = false },
    }, listen.parse("0.0.0.0:8000 reuseport backlog=16384, 127.0.0.1:8443 ssl"))
    assert.same({
      { host = "::1", port = 0, family = 6, ssl = false, reuseport = false,
        deferred = true, bind = true, ipv6only = false, so_keepalive = true },
    }, listen.parse("[::1]:0 deferred bind ipv6only=off so_keepalive=on"))
  end)

  it("knows * and localhost", function()
    assert.equal("0.0.0.0", listen.parse("*:80")[1].host)
    assert.equal("127.0.0.1", listen.parse("localhost:80")[1].host)
  end)

  it("takes off for nothing", function()
    assert.same({}, listen.parse("off"))
    assert.same({}, listen.parse(" off "))
  end)

  it("refuses what it cannot do, by name", function()
    for _, flag in ipairs({ "http2", "proxy_protocol", "udp", "quic" }) do
      local listeners, err = listen.parse("127.0.0.1:80 ssl " .. flag)
      assert.is_nil(listeners)
      assert.equal(("flag '%s' is not supported by this version of weir"):format(flag), err)
    end
  end)

  it("says what is wrong", function()
    for text, expected in pairs({
      [""] = "empty entry",
      ["127.0.0.1:80,"] = "empty entry",
      ["127.0.0.1"] = "'127.0.0.1' is not of the form IP:PORT or [IPv6]:PORT",
      ["8000"] = "'8000' is not of the form IP:PORT or [IPv6]:PORT",
      ["::1:80"] = "'::1:80' is not of the form IP:PORT or [IPv6]:PORT",
      ["example.com:80"] = "'example.com:80' is not of the form IP:PORT or [IPv6]:PORT",
      ["127.0.0.1:65536"] = "'127.0.0.1:65536' is not of the form IP:PORT or [IPv6]:PORT",
      ["127.0.0.1:80 sll"] = "unknown flag 'sll' (did you mean 'ssl'?)",
      ["127.0.0.1:80 ssl=on"] = "flag 'ssl' takes no value",
      ["127.0.0.1:80 =x"] = "unknown flag '=x'",
      ["127.0.0.1:80 backlog"] = "flag 'backlog' must be 'backlog=N' with N between 1 and 65535",
      ["127.0.0.1:80 backlog=0"] = "flag 'backlog' must be 'backlog=N' with N between 1 and 65535",
      ["[::]:80 ipv6only"] = "flag 'ipv6only' must be 'ipv6only=on' or 'ipv6only=off'",
      ["127.0.0.1:80 so_keepalive=30m::10"]
        = "flag 'so_keepalive' must be 'so_keepalive=on' or 'so_keepalive=off'",
      ["127.0.0.1:80, 127.0.0.1:80 ssl"] = "'127.0.0.1:80' is given twice",
      ["off, 127.0.0.1:80"] = "'off' is not of the form IP:PORT or [IPv6]:PORT",
    }) do
      local listeners, err = listen.parse(text)
      assert.is_nil(listeners, text)
      assert.equal(expected, err)
    end
  end)

  it("writes addresses as one would", function()
    for _, text in ipairs({ "127.0.0.1:80", "[::1]:80" }) do
      assert.equal(text, listen.address(listen.parse(text)[1]))
    end
  end)
end)
