-- The response as the client sees it.

local proxy = require("spec.support.proxy")
local C, str, text = proxy.C, proxy.str, proxy.text

jit.off(true, true)

local GET = proxy.GET

describe("proxy/answer", function()
  local world, client, peer

  local function start(options, request, hooks)
    world = proxy.new(hooks)
    local server = world:listen()
    options = options or {}
    options.targets = { server.port }
    world:configure(options)
    client = world:client()
    client:send(request or GET)
    peer = server:accept()
    peer:request()
  end

  -- An answer of weir's own.
  local function own(request, hooks)
    world = proxy.new(hooks)
    world:configure({})
    client = world:client()
    client:send(request or GET)
  end

  after_each(function()
    world:free()
  end)

  it("passes fields on in their order, without those of the connection", function()
    start()
    peer:send("HTTP/1.1 200 Fine\r\nX-A: 1\r\nConnection: X-B, keep-alive\r\nX-B: 2\r\n" ..
      "Keep-Alive: timeout=5\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n")
    assert.equal("HTTP/1.1 200 Fine\r\nX-A: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n" ..
      "Content-Length: 0\r\nConnection: keep-alive\r\n", client:response().head)
  end)

  it("has its own fields where the settings say so", function()
    start({ settings = {
      header_server = true, header_via = true, header_latency_upstream = true,
      header_latency_proxy = true, header_upstream_status = true, header_request_id = true,
    } })
    peer:send("HTTP/1.1 201 Created\r\nServer: up\r\nX-Kong-Request-Id: forged\r\n" ..
      "Content-Length: 0\r\n\r\n")
    local head = client:response().head
    assert.matches("\r\nServer: up\r\n", head)
    assert.matches("\r\nVia: 1%.1 weir", head)
    assert.matches("\r\nX%-Kong%-Upstream%-Latency: %d+\r\n", head)
    assert.matches("\r\nX%-Kong%-Proxy%-Latency: %d+\r\n", head)
    assert.matches("\r\nX%-Kong%-Upstream%-Status: 201\r\n", head)
    assert.matches("\r\nX%-Kong%-Request%-Id: %x+\r\n", head)
    assert.is_nil(head:find("forged", 1, true))
  end)

  describe("the body is delimited", function()
    it("by chunks where its length is not known", function()
      start()
      peer:send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" ..
        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
      local response = client:response()
      assert.matches("\r\nTransfer%-Encoding: chunked\r\n", response.head)
      assert.equal("abcde", response.body)
    end)

    it("by the end of the connection for HTTP/1.0", function()
      start({}, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      peer:send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
      local all = client:rest()
      assert.matches("\r\nConnection: close\r\n\r\nabc$", all)
      assert.is_nil(all:find("Transfer-Encoding", 1, true))
    end)

    it("not at all for HEAD, and HTTP/1.0 hears of no chunks", function()
      start({}, "HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      peer:send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      local head = client:expect("\r\n\r\n$")
      assert.is_nil(head:find("Transfer-Encoding", 1, true))
      assert.matches("\r\nConnection: keep%-alive\r\n", head)
    end)

    it("not at all for 304, whose length is that of another answer", function()
      start()
      peer:send("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n")
      assert.matches("\r\nContent%-Length: 7\r\n", client:response().head)
      assert.is_true(client:is_open())
    end)

    it("not at all for 204", function()
      start()
      peer:send("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
      assert.is_nil(client:expect("\r\n\r\n$"):find("Content-Length", 1, true))
    end)
  end)

  describe("of weir's own", function()
    it("says what went wrong, in the form that the client accepts", function()
      own("GET / HTTP/1.1\r\nHost: a\r\nAccept: text/plain\r\n\r\n")
      local response = client:response()
      assert.matches("\r\nContent%-Type: text/plain", response.head)
      assert.matches("\r\nDate: %a+, ", response.head)
      assert.matches("no Route matched", response.body)
    end)

    it("has no body for HEAD, but its length", function()
      own("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
      local head = client:expect("\r\n\r\n$")
      assert.is_true(tonumber(head:match("Content%-Length: (%d+)")) > 0)
    end)

    for _, status in ipairs({ 204, 304 }) do
      it("has no length with " .. status, function()
        own(GET, { rewrite = function(r)
          r.response.status = status
          return "exit"
        end })
        local head = client:expect("\r\n\r\n$")
        assert.matches("^HTTP/1.1 " .. status, head)
        assert.is_nil(head:find("Content-Length", 1, true))
      end)
    end
  end)

  describe("header_filter", function()
    it("changes the head", function()
      start({}, nil, { header_filter = function(r)
        r.response.status, r.response.reason = 202, str("")
        C.head_set(r.response, str("X-Added"), str("1"))
        C.head_remove(r.response, str("X-Gone"))
      end })
      peer:send("HTTP/1.1 200 OK\r\nX-Gone: 1\r\nContent-Length: 2\r\n\r\nok")
      local response = client:response()
      assert.matches("^HTTP/1.1 202 Accepted\r\n", response.head)
      assert.matches("\r\nX%-Added: 1\r\n", response.head)
      assert.is_nil(response.head:find("X-Gone", 1, true))
      assert.equal("ok", response.body)
    end)

    it("answers in place of the upstream", function()
      start({}, nil, { header_filter = function(r)
        r.response.status, r.response.reason = 403, str("")
        r.answer, r.answer_set = str("mine"), true
      end })
      peer:send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nsecret")
      local response = client:response()
      assert.equal(403, response.status)
      assert.equal("mine", response.body)
      peer:rest()
      assert.is_true(client:is_open())
    end)

    it("that fails leaves nothing of the upstream's answer", function()
      start({}, nil, { header_filter = function() return "error" end })
      peer:send("HTTP/1.1 200 OK\r\nSet-Cookie: s\r\nContent-Encoding: gzip\r\n" ..
        "Content-Length: 2\r\n\r\nok")
      local response = client:response()
      assert.equal(500, response.status)
      assert.is_nil(response.head:find("Set-Cookie", 1, true))
      assert.is_nil(response.head:find("Content-Encoding", 1, true))
      assert.matches("\r\nContent%-Type: application/json", response.head)
    end)

    it("that fails on an answer of weir's own is not entered again", function()
      own(GET, { header_filter = function() return "error" end })
      assert.equal(500, client:response().status)
      assert.same({ "header_filter", "release" }, world.calls)
    end)

    it("does not see what a phase before left unfinished", function()
      start({}, nil, {
        access = function(r) r.answer, r.answer_set = str("half"), true end,
        header_filter = function() return "done" end,
      })
      peer:send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
      assert.equal("ok", client:response().body)
    end)
  end)

  describe("body_filter", function()
    it("changes pieces, and the length is not known any more", function()
      start({}, nil, { body_filter = function(r)
        if text(r.chunk) then
          r.chunk = str(text(r.chunk):upper())
        end
        if r.chunk_last then
          r.chunk = str("!")
        end
      end })
      peer:send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
      client:expect("\r\nAB\r\n$")
      peer:send("cd")
      assert.equal("2\r\nCD\r\n1\r\n!\r\n0\r\n\r\n", client:expect("0\r\n\r\n$"))
    end)

    it("that fails cuts the client off", function()
      start({}, nil, { body_filter = function() return "error" end })
      peer:send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
      assert.is_nil(client:rest():find("0\r\n\r\n", 1, true))
      assert.same({ "body_filter", "release" }, world.calls)
    end)

    it("that fails on an answer of weir's own is not entered again", function()
      own(GET, { body_filter = function() return "error" end })
      client:rest()
      assert.same({ "body_filter", "release" }, world.calls)
    end)
  end)
end)
