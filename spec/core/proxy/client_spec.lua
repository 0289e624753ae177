-- Client connections: requests one after the other, and how connections end.

local proxy = require("spec.support.proxy")
local C = proxy.C

jit.off(true, true)

local GET = proxy.GET

describe("proxy/client", function()
  local world, server

  local function start(options, hooks)
    world = proxy.new(hooks)
    server = world:listen()
    options = options or {}
    if options.targets == nil then
      options.targets = { server.port }
    end
    world:configure(options)
  end

  after_each(function()
    world:free()
  end)

  local function answer(peer, body)
    peer:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body))
  end

  it("answers pipelined requests in their order", function()
    start()
    local client = world:client()
    client:send(GET:gsub("/", "/one", 1) .. GET:gsub("/", "/two", 1))
    local peer = server:accept()
    assert.matches("^GET /one ", peer:request())
    answer(peer, "1")
    assert.equal("1", client:response().body)
    assert.matches("^GET /two ", peer:request())
    answer(peer, "2")
    assert.equal("2", client:response().body)
  end)

  it("takes a request that comes byte by byte", function()
    start()
    local client = world:client()
    for i = 1, #GET do
      client:send(GET:sub(i, i))
      world:turn()
    end
    local peer = server:accept()
    peer:request()
    answer(peer, "x")
    assert.equal("x", client:response().body)
  end)

  it("does not read further requests while a client does not read its answers", function()
    start({ targets = false })
    local client = world:client({ small = true })
    local many = GET:rep(2000)
    local sent = 0
    for _ = 1, 100 do
      local from = sent % #GET
      local last, _, part = client.sock:send(many, from + 1)
      sent = sent + (last or part) - from
      world:turn()
    end
    local conn = world:clients()[1].conn
    assert.is_true(conn.congested)
    local pending = tonumber(conn.pending.len)
    assert.is_true(pending < 256 * 1024, ("%d bytes wait after %d were sent"):format(pending, sent))
    local answers = 0
    world:wait("answers once it reads", function()
      client:take()
      answers = answers + select(2, client.got:gsub("HTTP/1.1 404", ""))
      client.got = ""
      return answers > 500
    end)
  end)

  describe("a client that has closed its sending side", function()
    it("still gets the answer", function()
      start()
      local client = world:client()
      client:send(GET)
      client:shut()
      local peer = server:accept()
      peer:request()
      answer(peer, "late")
      assert.matches("\r\nConnection: close\r\n.*late$", client:rest())
    end)

    it("gets what is left of an answer that is complete", function()
      start()
      local client = world:client({ small = true })
      client:send(GET)
      local peer = server:accept()
      peer:request()
      local body = ("x"):rep(60 * 1024)
      answer(peer, body)
      world:wait("the answer to be complete", function() return not world:request() end)
      assert.is_true(world:clients()[1].conn.pending.len > 0)
      client:shut()
      world:pass(10)
      assert.is_true(client:rest():sub(-#body) == body)
    end)

    it("in the middle of a request is not answered", function()
      start()
      local client = world:client()
      client:send("GET / HT")
      client:shut()
      assert.equal("", client:rest())
    end)
  end)

  it("ends the exchange when the client goes away", function()
    start()
    local client = world:client()
    client:send(GET)
    local peer = server:accept()
    peer:request()
    peer:send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
    client:expect("abc")
    client:reset()
    peer:rest()
    assert.equal(0, #world:clients())
  end)

  it("throws away a body that nobody wants, and goes on", function()
    start({ targets = false })
    local client = world:client()
    client:send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234")
    assert.equal(404, client:response().status)
    client:send("56789" .. GET)
    assert.equal(404, client:response().status)
    assert.is_true(client:is_open())
  end)

  it("closes behind an answer when the body may go on for ever", function()
    start({ targets = false })
    local client = world:client()
    client:send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert.matches("\r\nConnection: close\r\n", client:rest())
  end)

  it("asks a client that waits for 100 to go on, when the upstream is there", function()
    start()
    local client = world:client()
    client:send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    local peer = server:accept()
    assert.is_nil(peer:request():find("Expect", 1, true))
    assert.equal("HTTP/1.1 100 Continue\r\n\r\n", client:expect("\r\n\r\n"))
    client:send("hi")
    peer:expect("hi")
    answer(peer, "ok")
    assert.equal("ok", client:response().body)
  end)

  it("does not keep a client that waits for 100 when it gets another answer", function()
    start({ targets = false })
    local client = world:client()
    client:send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert.matches("^HTTP/1.1 404 .*\r\nConnection: close\r\n", client:rest())
  end)

  it("keeps an HTTP/1.0 connection only when the client asks for it", function()
    start({ targets = false })
    local client = world:client()
    client:send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert.matches("\r\nConnection: keep%-alive\r\n", client:response().head)
    client:send("GET / HTTP/1.0\r\n\r\n")
    assert.matches("\r\nConnection: close\r\n", client:rest())
  end)

  it("answers a head that is no head, and closes", function()
    start()
    local client = world:client()
    client:send("GET / HTTP/1.1\r\nHost : a\r\n\r\n")
    assert.matches("^HTTP/1.1 400 ", client:rest())
  end)

  describe("times out", function()
    it("a connection without a request silently", function()
      start({ settings = { client_idle_timeout = 60 } })
      assert.equal("", world:client():rest())
    end)

    it("a head that does not end, with 408", function()
      start({ settings = { client_header_timeout = 60 } })
      local client = world:client()
      client:send("GET / HTTP/1.1\r\n")
      assert.matches("^HTTP/1.1 408 ", client:rest())
    end)

    it("a body that does not end, with 408", function()
      start({ settings = { client_body_timeout = 60 } })
      local client = world:client()
      client:send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123")
      assert.matches("^HTTP/1.1 408 ", client:rest())
    end)

    it("a body that stops after the upstream could not take more for a while", function()
      start({ settings = { client_body_timeout = 150 } })
      local client = world:client()
      client:send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")
      local peer = server:accept()
      peer:request()
      local block = ("x"):rep(4096)
      local request = world:request()
      local conn, sent = request.exchange.pc.conn, 0
      world:wait("the upstream to be congested", function()
        if request.body_bytes == sent and not conn.congested then
          sent = sent + assert(client.sock:send(block))
        end
        return conn.congested
      end)
      world:wait("an answer while the upstream takes all", function()
        peer:take()
        return client:take()
      end)
      assert.matches("^HTTP/1.1 408 ", client.got)
    end)

    it("a client that does not read", function()
      start({ settings = { send_timeout = 100 } })
      local client = world:client({ small = true })
      client:send(GET)
      local peer = server:accept()
      peer:request()
      peer:send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
      world:wait("the client to be dropped", function()
        peer.sock:send(("x"):rep(100000))
        return #world:clients() == 0
      end)
    end)
  end)

  describe("draining", function()
    it("ends connections between requests, the others after their answer", function()
      start()
      local idle, busy = world:client(), world:client()
      busy:send(GET)
      local peer = server:accept()
      peer:request()
      C.proxy_drain(world.proxy)
      assert.equal("", idle:rest())
      answer(peer, "last")
      assert.matches("\r\nConnection: close\r\n.*last$", busy:rest())
      assert.equal(0, #world:clients())
    end)

    it("lets an answer that is complete reach its client", function()
      start()
      local client = world:client({ small = true })
      client:send(GET)
      local peer = server:accept()
      peer:request()
      local body = ("x"):rep(60 * 1024)
      answer(peer, body)
      world:wait("the answer to be complete", function() return not world:request() end)
      C.proxy_drain(world.proxy)
      assert.is_true(client:rest():sub(-#body) == body)
    end)
  end)
end)
