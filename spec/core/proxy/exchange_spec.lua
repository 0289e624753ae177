-- One try at an upstream: what it may do to us, and which connections are used again.

local proxy = require("spec.support.proxy")
local C, str = proxy.C, proxy.str

jit.off(true, true)

local GET, OK = proxy.GET, proxy.OK

describe("proxy/exchange", function()
  local world, server, client, peer

  -- Sends a request and returns with its head at the upstream.
  local function start(options, request, hooks)
    world = proxy.new(hooks)
    server = world:listen()
    options = options or {}
    options.targets = { server.port }
    world:configure(options)
    client = world:client()
    client:send(request or GET)
    peer = server:accept()
    return peer:request()
  end

  after_each(function()
    world:free()
  end)

  -- Whether the next request goes over the connection of the last one.
  local function is_reused()
    client:send(GET)
    world:pass(5)
    peer:take()
    if peer.got:find("^%u+ /") and not peer.ended then
      return true
    end
    return not server:accept()
  end

  describe("a connection", function()
    it("serves again after a whole exchange", function()
      start()
      peer:send(OK)
      assert.equal("ok", client:response().body)
      assert.equal(1, tonumber(world.proxy.realms.idle))
      assert.is_true(is_reused())
      assert.equal(1, tonumber(world.proxy.realms.reused))
    end)

    local endings = {
      ["that said close"] = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
      ["of HTTP/1.0"] = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
      ["that sent more than its answer"] = OK .. OK,
    }
    for what, answer in pairs(endings) do
      it(what .. " does not serve again", function()
        start()
        peer:send(answer)
        assert.equal(200, client:response().status)
        assert.is_false(is_reused())
      end)
    end

    it("on which something arrives while it is idle does not serve again", function()
      start()
      peer:send(OK)
      client:response()
      peer:send(OK)
      peer:rest()
      assert.is_false(is_reused())
    end)

    it("that brings an answer before it can have seen the request is not believed", function()
      start()
      peer:send(OK)
      client:response()
      -- Both are there when the loop wakes up.
      client.sock:send(GET)
      peer.sock:send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray")
      require("socket").sleep(0.01)
      local fresh = server:accept()
      fresh:request()
      fresh:send(OK)
      assert.equal("ok", client:response().body)
    end)

    it("that answered before it had the whole request is closed", function()
      start({}, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
      client.sock:send("01234")
      peer:expect("^01234$")
      peer:send(OK)
      assert.equal(200, client:response().status)
      peer:rest()
      client:send("56789" .. GET)
      local fresh = server:accept()
      fresh:request()
      fresh:send(OK)
      assert.equal(200, client:response().status)
    end)

    it("that was reset is not used, not even by a request of the same turn", function()
      start()
      peer:send(OK)
      client:response()
      peer:reset()
      client.sock:send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
      local fresh = server:accept()
      fresh:request()
      fresh:send(OK)
      assert.equal(200, client:response().status)
    end)
  end)

  it("takes an early answer although the upstream then resets the connection", function()
    start({}, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
    peer:send("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
    peer:close()
    client.sock:send(("x"):rep(100000))
    assert.equal(403, client:response().status)
  end)

  it("passes interim responses over", function()
    start()
    peer:send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" .. OK)
    assert.matches("^HTTP/1.1 200 OK\r\n", client:response().head)
  end)

  it("expects no body after HEAD, nor after a HEAD that a plugin made of it", function()
    start({}, nil, { access = function(r) r.out_method = str("HEAD") end })
    peer:send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    local response = client:response()
    assert.equal(200, response.status)
    assert.equal("", response.body)
    assert.is_true(is_reused())
  end)

  describe("an upstream that", function()
    it("speaks no HTTP is answered for with 502", function()
      start()
      peer:send("SSH-2.0-OpenSSH\r\n")
      assert.equal(502, client:response().status)
      assert.matches("upstream sent an invalid response", world:log())
    end)

    it("ends in the middle of its answer cuts the client off", function()
      start()
      peer:send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234")
      client:expect("01234")
      peer:close()
      assert.equal("", client:rest())
      assert.matches("prematurely closed connection while reading upstream", world:log())
    end)

    it("ends in the middle of its chunks cuts the client off, too", function()
      start()
      peer:send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n")
      client:expect("01234\r\n")
      peer:close()
      assert.equal("", client:rest())
    end)

    it("stops in the middle of its answer cuts the client off when the time is over", function()
      start({ plan = { read_timeout = 60 } })
      peer:send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234")
      assert.matches("01234$", client:rest())
      assert.matches("upstream timed out .* while reading upstream", world:log())
    end)

    it("ends its answer with the connection is done then", function()
      start()
      peer:send("HTTP/1.1 200 OK\r\n\r\nall of it")
      peer:close()
      assert.equal("all of it", client:response().body)
      assert.is_true(client:is_open())
    end)

    it("resets such an answer cuts the client off", function()
      start()
      peer:send("HTTP/1.1 200 OK\r\n\r\npart")
      client:expect("part")
      peer:reset()
      assert.is_nil(client:rest():find("0\r\n\r\n", 1, true))
    end)

    it("does not read the request is given up", function()
      start({ plan = { write_timeout = 100 } },
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
      local block = ("x"):rep(100000)
      world:wait("the answer", function()
        client.sock:send(block)
        client:take()
        return client.got:find("\r\n\r\n")
      end)
      assert.matches("^HTTP/1.1 504 ", client.got)
      assert.matches("upstream timed out .* while sending request", world:log())
    end)

    it("has nothing to do with the time that a client needs for its body", function()
      start({ plan = { read_timeout = 60 } },
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n")
      world:pass(200)
      client:send("ok")
      peer:expect("ok$")
      peer:send(OK)
      assert.equal(200, client:response().status)
    end)
  end)

  it("waits for a client that reads slowly, without loss", function()
    start()
    local body = {}
    for i = 1, 30000 do
      body[i] = ("%099d\n"):format(i)
    end
    body = table.concat(body)
    peer.sock:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(#body))
    local sent, most = 0, 0
    while sent < #body do
      local last, err, part = peer.sock:send(body, sent + 1, math.min(sent + 65536, #body))
      sent = last or part
      world:turn()
      local conn = world:clients()[1].conn
      most = math.max(most, tonumber(conn.pending.len))
      if err then
        client:take()
      end
    end
    assert.is_true(client:response().body == body)
    assert.is_true(most < 256 * 1024, most .. " bytes were waiting")
  end)

  it("connects afresh for every request when nothing is kept", function()
    local head = start({ settings = { keepalive_pool_size = 0 } })
    assert.matches("\r\nConnection: close\r\n", head)
    peer:send(OK)
    client:response()
    peer:rest()
    assert.equal(0, tonumber(world.proxy.realms.idle))
  end)

  it("leaves nothing behind when the client goes away while it connects", function()
    world = proxy.new()
    world:configure({ targets = { { host = "192.0.2.1", port = 9 } } })
    client = world:client()
    client:send(GET)
    world:wait("the request", function() return world:request() end)
    client:reset()
    world:wait("its end", function() return #world:clients() == 0 and world.loop.conns == 0 end)
    assert.equal(0, world.proxy.realms.plain.users)
    assert.is_true(C ~= nil)
  end)
end)
