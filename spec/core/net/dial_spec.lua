local ffi = require "ffi"
local socket = require "socket"
local net = require "spec.support.net"
local C = net.C

-- Callbacks from C may not be called from compiled code.
jit.off(true, true)


describe("net/dial", function()
  local world

  before_each(function()
    world = net.new()
  end)

  after_each(function()
    world:wait("everything to close", function() return world.loop.conns == 0 end)
    assert.equal(0, tonumber(world.loop.wheel.count))
    world:free()
  end)

  local function listen(backlog)
    local server = assert(socket.bind("127.0.0.1", 0, backlog))
    local _, port = server:getsockname()
    return server, tonumber(port)
  end

  it("makes a connection that does not read yet", function()
    local server, port = listen()
    local conn = assert(world:dial(port))
    local peer = server:accept()
    assert.is_false(conn.reading)
    assert.equal(port, C.addr_port(conn.peer))
    local _, from = peer:getpeername()
    assert.equal(tonumber(from), C.addr_port(conn["local"]))
    peer:send("hello")
    world:adopt(conn)
    world:wait("data", function() return world:record(conn).data == "hello" end)
    world:close(conn)
    peer:close()
    server:close()
  end)

  it("tells when nobody listens", function()
    local server, port = listen()
    server:close()
    assert.same({ nil, "refused" }, { world:dial(port) })
  end)

  it("gives up in time", function()
    -- A full backlog: the kernel answers no further SYN.
    local server, port = listen(0)
    local waiting = {}
    for i = 1, 4 do
      waiting[i] = socket.tcp()
      waiting[i]:settimeout(0)
      waiting[i]:connect("127.0.0.1", port)
    end
    local start = socket.gettime()
    assert.same({ nil, "connect_timeout" }, { world:dial(port, 150) })
    assert.is_true(socket.gettime() - start >= 0.14)
    for _, s in ipairs(waiting) do
      s:close()
    end
    server:close()
  end)

  it("reports failures on the spot later, too", function()
    local _, err = world:dial(world.addr("255.255.255.255", 80))
    assert.equal("unreachable", err)
  end)

  it("tells when there are no descriptors", function()
    local server, port = listen()
    world:turn()
    world.without_descriptors(function()
      assert.same({ nil, "descriptors" }, { world:dial(port) })
    end)
    server:close()
  end)

  it("calls nobody once it is cancelled", function()
    local server, port = listen()
    local called = false
    local done = ffi.cast("void (*)(void *, struct conn *, err_t)", function() called = true end)
    for _, to in ipairs({ world.addr("127.0.0.1", port), world.addr("127.0.0.1", 1),
                          world.addr("255.255.255.255", 80) }) do
      C.dial_cancel(C.dial_start(world.loop, to, 1000, done, nil))
      world:pass(10)
    end
    assert.is_false(called)
    assert.equal(0, world.loop.conns)
    done:free()
    server:close()
  end)

  it("can be cancelled when the kernel has connected already", function()
    local server, port = listen()
    local called = false
    local done = ffi.cast("void (*)(void *, struct conn *, err_t)", function() called = true end)
    local dial = C.dial_start(world.loop, world.addr("127.0.0.1", port), 1000, done, nil)
    local peer = server:accept()
    C.dial_cancel(dial)
    peer:settimeout(0)
    local _, err = world:read_all(peer)
    assert.equal("closed", err)
    assert.is_false(called)
    done:free()
    peer:close()
    server:close()
  end)

  it("lets the callback close what it is given", function()
    local server, port = listen()
    local called = false
    local done = ffi.cast("void (*)(void *, struct conn *, err_t)", function(_, conn)
      called = true
      C.conn_close(conn)
    end)
    C.dial_start(world.loop, world.addr("127.0.0.1", port), 1000, done, nil)
    world:wait("the dial", function() return called and world.loop.conns == 0 end)
    done:free()
    server:close()
  end)
end)
