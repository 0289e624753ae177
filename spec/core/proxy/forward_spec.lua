-- The request as the upstream gets it.

local proxy = require("spec.support.proxy")
local C, str = proxy.C, proxy.str

jit.off(true, true)

describe("proxy/forward", function()
  local world

  after_each(function()
    world:free()
  end)

  -- What the upstream gets for this request, and its port.
  local function forwarded(options, request, hooks)
    world = proxy.new(hooks)
    local server = world:listen()
    options = options or {}
    options.targets = options.targets or { server.port }
    world:configure(options)
    world:client():send(request or "GET / HTTP/1.1\r\nHost: a.test:8000\r\n\r\n")
    local head = server:accept():expect("\r\n\r\n")
    return head, server.port
  end

  local function get(path, more)
    return ("GET %s HTTP/1.1\r\nHost: a.test\r\n%s\r\n"):format(path, more or "")
  end

  local function field(head, name)
    return head:match("\r\n" .. name:gsub("%-", "%%-") .. ": ([^\r]*)\r\n")
  end

  it("begins with the method, the path and the target's name", function()
    local head, port = forwarded({}, get("/a?b=c"))
    assert.matches("^GET /a%?b=c HTTP/1.1\r\nHost: 127.0.0.1:" .. port .. "\r\n", head)
    assert.equal("keep-alive", field(head, "Connection"))
  end)

  it("says who the client is and what it asked for", function()
    local head = forwarded({}, get("/x", "X-Forwarded-For: 1.2.3.4\r\n" ..
      "X-Forwarded-Proto: https\r\nX-Real-IP: 6.6.6.6\r\nX-Forwarded-Prefix: /forged\r\n" ..
      "Via: 1.0 a\r\n"))
    assert.equal("127.0.0.1", field(head, "X-Real-IP"))
    assert.equal("1.2.3.4, 127.0.0.1", field(head, "X-Forwarded-For"))
    assert.equal("http", field(head, "X-Forwarded-Proto"))
    assert.equal("a.test", field(head, "X-Forwarded-Host"))
    assert.equal("/x", field(head, "X-Forwarded-Path"))
    assert.is_nil(field(head, "X-Forwarded-Prefix"))
    assert.matches("^1%.0 a, 1%.1 weir", field(head, "Via"))
  end)

  it("passes the fields of the connection on to nobody", function()
    local head = forwarded({}, get("/", "Connection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\n" ..
      "Proxy: evil\r\nUpgrade: h2c\r\nTE: gzip, trailers\r\nX-Kept: 1\r\n"))
    for _, name in ipairs({ "X-Mine", "Keep-Alive", "Proxy", "Upgrade" }) do
      assert.is_nil(field(head, name), name)
    end
    assert.equal("1", field(head, "X-Kept"))
    assert.equal("trailers", field(head, "TE"))
  end)

  describe("Host is", function()
    it("the client's with preserve_host, port and all", function()
      local head = forwarded({ plan = { preserve_host = true } })
      assert.equal("a.test:8000", field(head, "Host"))
    end)

    it("the upstream's host_header", function()
      local head, port = forwarded({ host_header = "up.test" })
      assert.equal("up.test:" .. port, field(head, "Host"))
    end)

    it("a plugin's before all", function()
      local head = forwarded({ plan = { preserve_host = true }, host_header = "up.test" }, nil,
        { access = function(r) r.out_host = str("plugin.test") end })
      assert.equal("plugin.test", field(head, "Host"))
    end)

    it("without the port that the scheme implies", function()
      forwarded()
      local r = world:request()
      local host = C.forward_host(r, str("b.test"), 80)
      assert.equal("b.test", proxy.text(host))
      assert.equal("[::1]", proxy.text(C.forward_host(r, str("::1"), 80)))
      assert.equal("[::1]:81", proxy.text(C.forward_host(r, str("::1"), 81)))
      r.tls = true
      assert.equal("b.test", proxy.text(C.forward_host(r, str("b.test"), 443)))
      assert.equal("b.test:80", proxy.text(C.forward_host(r, str("b.test"), 80)))
    end)
  end)

  describe("the path", function()
    -- route, service path, strip, request, what goes on
    local rows = {
      { "/", "", false, "/a%2Fb", "/a%2Fb" },
      { "/", "/s", false, "/", "/s" },
      { "/", "/s", false, "/a", "/s/a" },
      { "/a", "/s", true, "/a", "/s" },
      { "/a", "/s", true, "/a/", "/s/" },
      { "/a", "/s/", true, "/a", "/s" },
      { "/a", "/s", true, "/a/b", "/s/b" },
      { "/a", "/s/", true, "/a/b?c", "/s/b?c" },
      { "/a", "/", true, "/a", "/" },
      { "/a", "/s", true, "/%61/b%20c", "/s/b%20c" },
      { "/a", "/s", true, "/a/.well-known/x", "/s/.well-known/x" },
      -- Dot segments go no further: they would lead out of the service's path.
      { "/a", "/s", true, "/a/../a/x", "/s/x" },
      { "/a", "/s", true, "/a/%2e%2E/a/x", "/s/x" },
      { "/a", "/s", true, "/../../a/x", "/s/x" },
      { "/", "/s", false, "/../../etc", "/s/etc" },
      { "/", "/s", false, "/%2e%2e/%2E./etc?q=../", "/s/etc?q=../" },
      { "/", "/s", false, "/a/..", "/s" },
    }
    for _, row in ipairs(rows) do
      it(("%s under %s of a service at %q%s is %s"):format(row[4], row[1], row[2],
        row[3] and ", stripped," or "", row[5]), function()
        local head = forwarded({
          path = row[1], plan = { strip_path = row[3], service_path = row[2] },
        }, get(row[4]))
        assert.equal(row[5], head:match("^GET (%S+) "))
      end)
    end

    it("tells the prefix that matched", function()
      local head = forwarded({ path = "/a", plan = { strip_path = true } }, get("/a/b"))
      assert.equal("/a", field(head, "X-Forwarded-Prefix"))
    end)

    it("and the query can be a plugin's", function()
      local head = forwarded({}, get("/a?b"), { access = function(r)
        r.out_path, r.out_query, r.out_method = str("/mine"), str("q=1"), str("PUT")
      end })
      assert.matches("^PUT /mine%?q=1 HTTP/1.1\r\n", head)
    end)
  end)

  describe("behind trusted proxies the client is", function()
    -- settings, fields, X-Real-IP that the upstream gets
    local loopback = { trusted = { "127.0.0.0/8" } }
    local list = { trusted = { "127.0.0.0/8" }, real_ip_header = "X-Forwarded-For" }
    local recursive = {
      trusted = { "127.0.0.0/8", "10.0.0.0/8" }, real_ip_header = "X-Forwarded-For",
      real_ip_recursive = true,
    }
    local rows = {
      { "nobody else by default", {}, "X-Real-IP: 9.9.9.9\r\n", "127.0.0.1" },
      { "what the field says", loopback, "X-Real-IP: 9.9.9.9\r\n", "9.9.9.9" },
      { "not what is no address", loopback, "X-Real-IP: x\r\n", "127.0.0.1" },
      { "not told by others", { trusted = { "10.0.0.0/8" } }, "X-Real-IP: 9.9.9.9\r\n",
        "127.0.0.1" },
      { "the last of a list", list, "X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n", "2.2.2.2" },
      { "the last line's, whatever the client wrote before", list,
        "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n", "2.2.2.2" },
      { "the first that is not trusted, recursively", recursive,
        "X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\nX-Forwarded-For: 10.1.1.1, 10.2.2.2\r\n", "2.2.2.2" },
      { "the first of all when all are trusted", recursive,
        "X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-For: 10.2.2.2\r\n", "10.1.1.1" },
    }
    for _, row in ipairs(rows) do
      it(row[1], function()
        local head = forwarded({ settings = row[2] }, get("/", row[3]))
        assert.equal(row[4], field(head, "X-Real-IP"))
      end)
    end

    it("believed about scheme, host and port, too", function()
      local head = forwarded({ settings = { trusted = { "127.0.0.1" } } },
        get("/", "X-Forwarded-Proto: https\r\nX-Forwarded-Host: b.test\r\n" ..
          "X-Forwarded-Port: 9\r\n"))
      assert.equal("https", field(head, "X-Forwarded-Proto"))
      assert.equal("b.test", field(head, "X-Forwarded-Host"))
      assert.equal("9", field(head, "X-Forwarded-Port"))
    end)
  end)
end)
