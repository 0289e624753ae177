-- Tries that fail: whether another is made, and of which target.

local proxy = require("spec.support.proxy")
local C = proxy.C

jit.off(true, true)

local GET, OK, with_body = proxy.GET, proxy.OK, proxy.with_body

describe("proxy/retry", function()
  local world, server

  local function start(options, hooks)
    local client
    world, server, client = proxy.start(options, hooks)
    return client
  end

  after_each(function()
    world:free()
  end)

  local function count(pattern, s)
    return select(2, s:gsub(pattern, ""))
  end

  describe("a connection that was closed under our hands", function()
    it("costs a request that can be sent again no retry", function()
      local client = start()
      local stale = proxy.warm_up(server, client)
      client:send(GET)
      stale:request()
      stale:close()
      local fresh = server:accept()
      fresh:request()
      fresh:send(OK)
      assert.equal(200, client:response().status)
      assert.equal("", world:log())
    end)

    it("ends a request that cannot", function()
      local client = start({ plan = { retries = 3 } })
      local stale = proxy.warm_up(server, client)
      client:send(with_body("POST", "x"))
      stale:expect("x$")
      stale:close()
      assert.equal(502, client:response().status)
      assert.is_false(server:is_asked())
    end)
  end)

  describe("a try that fails", function()
    it("is made again as often as the plan says", function()
      local client = start({ plan = { retries = 2 } })
      client:send(GET)
      for _ = 1, 3 do
        local peer = server:accept()
        peer:request()
        peer:close()
      end
      assert.equal(502, client:response().status)
      assert.is_false(server:is_asked())
      assert.equal(3, count("while reading response header from upstream", world:log()))
    end)

    it("is made again with the body that was kept", function()
      local client = start({ plan = { retries = 1 } })
      local body = ("0123456789"):rep(1000)
      client:send(with_body("PUT", body))
      local peer = server:accept()
      peer:expect(body .. "$")
      peer:close()
      peer = server:accept()
      peer:expect(body .. "$")
      peer:send(OK)
      assert.equal(200, client:response().status)
    end)

    it("is final when the body was too large to keep", function()
      local client = start({ plan = { retries = 1 } })
      client:send(with_body("PUT", ("x"):rep(20000)))
      local peer = server:accept()
      peer:expect("x$")
      world:pass(5)
      peer:close()
      assert.equal(502, client:response().status)
      assert.is_false(server:is_asked())
    end)

    it("is final for POST once bytes went out, not before", function()
      world = proxy.new()
      server = world:listen()
      world:configure({ targets = { world.dead_port(), server.port }, plan = { retries = 1 } })
      local client = world:client()
      for _ = 1, 4 do
        client:send(with_body("POST", "x"))
        if not world.peer then
          world.peer = server:accept()
        end
        world.peer:expect("x$")
        world.peer:send(OK)
        assert.equal(200, client:response().status)
      end
    end)

    it("passes over its target as long as others have not been asked", function()
      world = proxy.new()
      server = world:listen()
      world:configure({
        targets = {
          { port = world.dead_port(), weight = 1000 }, { port = server.port, weight = 1 },
        },
        plan = { retries = 1 },
      })
      local client = world:client()
      client:send(GET)
      local peer = server:accept()
      peer:request()
      peer:send(OK)
      assert.equal(200, client:response().status)
    end)

    it("goes on to another target when a name is unknown", function()
      world = proxy.new()
      server = world:listen()
      C.resolver_set_servers(world.resolver[0], "127.0.0.1:" .. world.dead_port())
      world:configure({
        targets = { { host = "nowhere.test", port = 80, weight = 1000 }, server.port },
        plan = { retries = 1 },
      })
      local client = world:client()
      client:send(GET)
      local peer = server:accept()
      peer:request()
      peer:send(OK)
      assert.equal(200, client:response().status)
      assert.matches("nowhere%.test could not be resolved", world:log())
    end)

    it("ends the request with 502 when nobody listens anywhere", function()
      world = proxy.new()
      world:configure({
        targets = { world.dead_port(), world.dead_port() }, plan = { retries = 4 },
      })
      local client = world:client()
      client:send(GET)
      assert.equal(502, client:response().status)
      assert.equal(5, count("connect%(%) failed", world:log()))
    end)
  end)
end)
