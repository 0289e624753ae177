-- Requests on their way through the states: plugins, targets, bodies.

local proxy = require("spec.support.proxy")
local C, str = proxy.C, proxy.str

jit.off(true, true)

local GET, OK, with_body = proxy.GET, proxy.OK, proxy.with_body

local function chunk(data)
  return ("%x\r\n%s\r\n"):format(#data, data)
end

describe("proxy/request", function()
  local world, server

  local function start(options, hooks)
    local client
    world, server, client = proxy.start(options, hooks)
    return client
  end

  after_each(function()
    world:free()
  end)

  it("goes through its phases in order, and is released", function()
    local none = function() return "done" end
    local client = start({}, {
      rewrite = none, access = none, header_filter = none, body_filter = none, log = none,
    })
    proxy.warm_up(server, client)
    assert.same({ "rewrite", "access", "header_filter", "body_filter", "body_filter", "log",
      "release" }, world.calls)
    assert.matches('"GET / HTTP/1.1" 200 2 ', world:access_log())
  end)

  it("has an id of its own, and a time", function()
    local ids = {}
    local client = start({ settings = { header_request_id = true } }, {
      log = function(r)
        ids[#ids + 1] = require("ffi").string(r.id)
        assert(math.abs(tonumber(r.started_epoch) / 1000 - os.time()) < 5)
      end,
    })
    proxy.warm_up(server, client)
    client:send(GET)
    world:wait("another request", function() return world:request() end)
    client:reset()
    world:wait("its end", function() return #ids == 2 end)
    assert.matches("^%x+$", ids[1])
    assert.equal(32, #ids[1])
    assert.not_equal(ids[1], ids[2])
  end)

  describe("the answer is", function()
    local function status_of(options, request, hooks)
      local client = start(options, hooks)
      client:send(request or GET)
      return client:response().status
    end

    it("404 without a route", function()
      assert.equal(404, status_of({ path = "/other" }))
    end)

    it("413 for a body that says that it is too large", function()
      assert.equal(413, status_of({ settings = { client_max_body_size = 10 } },
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"))
      assert.is_false(server:is_asked())
    end)

    it("413 for a body that turns out to be too large", function()
      local client = start({ settings = { client_max_body_size = 10 } })
      client:send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
      local peer = server:accept()
      peer:request()
      client:send(chunk(("x"):rep(11)))
      assert.matches("^HTTP/1.1 413 ", client:rest())
      peer:rest()
    end)

    it("426 over plain HTTP for a route that wants TLS", function()
      assert.equal(426, status_of({ plan = { protocols = 2 } }))
    end)

    it("504 when the upstream does not answer in time", function()
      assert.equal(504, status_of({ plan = { read_timeout = 60 } }))
      assert.matches("upstream timed out .* while reading response header", world:log())
    end)

    it("a plugin's own", function()
      local exit = function(r)
        r.response.status = 418
        r.answer = str("teapot")
        return "exit"
      end
      assert.equal(418, status_of({}, GET, { access = exit }))
      assert.is_false(server:is_asked())
    end)

    it("500 when a plugin fails", function()
      assert.equal(500, status_of({}, GET, { access = function() return "error" end }))
    end)
  end)

  describe("a plugin that waits for the body", function()
    local function reader(seen)
      return {
        access = function(r)
          if r.body_ended then
            return "done"
          end
          r.body_wanted = true
          return "wait"
        end,
        resume = function(r)
          r.body_wanted = false
          seen.len, seen.refused = tonumber(r.body.len), r.body_refused
          return "done"
        end,
      }
    end

    it("gets it, and so does the upstream", function()
      local seen = {}
      local client = start({}, reader(seen))
      client:send(with_body("POST", "0123456789"):sub(1, -6))
      world:pass(5)
      client:send("56789")
      server:accept():expect("\r\n\r\n0123456789$")
      assert.same({ len = 10, refused = false }, seen)
    end)

    it("has the client asked for it", function()
      local client = start({}, reader({}))
      client:send(with_body("POST", "hi", "Expect: 100-continue\r\n"):sub(1, -3))
      client:expect("^HTTP/1.1 100 Continue\r\n\r\n$")
      client:send("hi")
      server:accept():expect("\r\n\r\nhi$")
    end)

    it("that was held meanwhile gets it, too", function()
      local seen = {}
      local hooks = reader(seen)
      local read, resume = hooks.access, hooks.resume
      hooks.access = function() return "wait" end -- sleeps first
      hooks.resume = function(r)
        hooks.resume = resume
        return read(r)
      end
      local client = start({}, hooks)
      client:send(with_body("POST", "0123456789"))
      world:pass(5)
      C.request_resume(world:request())
      server:accept():expect("\r\n\r\n0123456789$")
      assert.equal(10, seen.len)
    end)

    it("learns when it is too large, and the upstream gets all of it in order", function()
      local seen = {}
      local client = start({ settings = { client_body_buffer_size = 4 } }, reader(seen))
      local pieces, whole = {}, {}
      for i = 1, 200 do
        whole[i] = ("%03d"):format(i):rep(50)
        pieces[i] = chunk(whole[i])
      end
      client:send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
      world:pass(5)
      client:send(table.concat(pieces) .. "0\r\n\r\n")
      local got = server:accept():expect("\r\n0\r\n\r\n$"):match("\r\n\r\n(.*)0\r\n\r\n$")
      assert.is_true(got:gsub("%x+\r\n([^\r]*)\r\n", "%1") == table.concat(whole))
      assert.is_true(seen.refused)
    end)

    it("is not resumed when the client goes away", function()
      local client = start({}, reader({}))
      client:send(with_body("POST", "0123456789"):sub(1, -6))
      world:wait("the plugin to wait", function() return world:request() end)
      client:reset()
      world:wait("the end of the request", function() return #world:clients() == 0 end)
      assert.same({ "access", "release" }, world.calls)
    end)
  end)

  it("replaces the body by a plugin's, and reads the client's to its end", function()
    local client = start({}, {
      access = function(r)
        C.buf_append(r.body, "mine", 4)
        r.body_replaced = true
      end,
    })
    client:send(with_body("POST", "0123456789"))
    local peer = server:accept()
    assert.matches("\r\nContent%-Length: 4\r\n.*\r\n\r\nmine$", peer:expect("mine$"))
    peer:send(OK)
    assert.equal(200, client:response().status)
    client:send(GET)
    peer:request()
    peer:send(OK)
    assert.equal(200, client:response().status)
  end)

  it("does not let a client take away what a plugin adds", function()
    local client = start({}, {
      access = function(r) C.head_set(r.head, str("X-Consumer"), str("alice")) end,
    })
    client:send("GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Consumer, X-Mine\r\nX-Mine: 1\r\n\r\n")
    local head = server:accept():request()
    assert.matches("\r\nX%-Consumer: alice\r\n", head)
    assert.is_nil(head:find("X-Mine", 1, true))
  end)

  it("uses the configuration in force when its head is complete", function()
    local client = start()
    client:send("GET / HT")
    world:wait("the head to begin", function() return world:request() end)
    local other = world:listen()
    world:configure({ targets = { other.port } })
    client:send("TP/1.1\r\nHost: a\r\n\r\n")
    local peer = other:accept()
    peer:request()
    peer:send(OK)
    assert.equal(200, client:response().status)
    assert.equal(1, world.views_gone)
  end)

  it("keeps the configuration that it began with", function()
    local client = start()
    client:send(GET)
    local peer = server:accept()
    peer:request()
    world:configure({ path = "/other", targets = { server.port } })
    assert.equal(0, world.views_gone)
    peer:send(OK)
    assert.equal(200, client:response().status)
    world:turn()
    assert.equal(1, world.views_gone)
    client:send(GET)
    assert.equal(404, client:response().status)
  end)

  it("says in the log what it was", function()
    local client = start({ plan = { read_timeout = 60 } })
    client:send("GET /p?q HTTP/1.1\r\nHost: a.test\r\n\r\n")
    client:response()
    assert.matches(', client: 127.0.0.1, server: kong, request: "GET /p%?q HTTP/1.1", '
      .. 'upstream: "http://127.0.0.1:' .. server.port .. '/p%?q", host: "a.test", '
      .. 'request_id: "%x+"', world:log())
  end)
end)
