local ffi = require "ffi"
local socket = require "socket"
local net = require "spec.support.net"
local cimport = require "spec.support.cimport"
local C = cimport("net/listen.h", "base/log.h")

-- Callbacks from C may not be called from compiled code.
jit.off(true, true)

ffi.cdef [[
int pipe(int fds[2]);
int close(int fd);
long read(int fd, void *p, size_t n);
int fcntl(int fd, int command, ...);
]]

local F_SETFL, O_NONBLOCK = 4, 2048


describe("net/listen", function()
  local world, accepted, callback, fds, listeners

  local function options(set)
    local o = ffi.new("struct listen_options", { ipv6only = -1, keepalive = -1 })
    for name, value in pairs(set or {}) do
      o[name] = value
    end
    return o
  end

  -- Returns the descriptor, or nil with the error's code and what the system said.
  local function bind(ip, port, set)
    local fd, why = ffi.new("int[1]"), ffi.new("char[128]")
    local err = C.listen_bind(world.addr(ip, port), options(set), fd, why, 128)
    if err ~= nil then
      assert.equal(-1, fd[0])
      return nil, ffi.string(err.code), ffi.string(why)
    end
    fds[#fds + 1] = fd[0]
    return fd[0]
  end

  local function open(fd)
    local listener = C.listener_open(world.loop, fd, callback, nil)
    listeners[tostring(listener)] = listener
    return listener, C.addr_port(listener["local"])
  end

  local function close(listener)
    listeners[tostring(listener)] = nil
    C.listener_close(listener)
  end

  local function client(port)
    local c = assert(socket.connect("127.0.0.1", port))
    c:settimeout(0)
    return c
  end

  before_each(function()
    world, accepted, fds, listeners = net.new(), {}, {}, {}
    callback = ffi.cast("void (*)(struct listener *, struct conn *)", function(_, conn)
      accepted[#accepted + 1] = conn
      if accepted.hook then
        accepted.hook(conn)
      end
    end)
  end)

  after_each(function()
    for _, listener in pairs(listeners) do
      C.listener_close(listener)
    end
    for _, conn in ipairs(accepted) do
      C.conn_close(conn)
    end
    world:wait("everything to close", function() return world.loop.conns == 0 end)
    world:free()
    callback:free()
    for _, fd in ipairs(fds) do
      ffi.C.close(fd)
    end
  end)

  it("accepts connections, with both addresses", function()
    local listener, port = open(bind("127.0.0.1", 0))
    local peer = client(port)
    world:wait("a connection", function() return accepted[1] end)
    local conn = accepted[1]
    assert.equal(port, C.addr_port(conn["local"]))
    local _, from = peer:getsockname()
    assert.equal(tonumber(from), C.addr_port(conn.peer))
    assert.is_false(conn.reading)
    world:adopt(conn)
    peer:send("hello")
    world:wait("data", function() return world:record(conn).data == "hello" end)
    close(listener)
    peer:close()
  end)

  it("accepts many at once", function()
    local listener, port = open(bind("127.0.0.1", 0))
    local peers = {}
    for i = 1, 60 do
      peers[i] = client(port)
    end
    world:wait("all of them", function() return #accepted == 60 end)
    close(listener)
    for _, peer in ipairs(peers) do
      peer:close()
    end
  end)

  it("leaves the descriptor open when it closes, and the port with it", function()
    local fd = bind("127.0.0.1", 0)
    local first, port = open(fd)
    close(first)
    world:turn()
    local peer = client(port)
    world:pass(10)
    assert.equal(0, #accepted)
    local second = open(fd)
    world:wait("the connection", function() return accepted[1] end)
    close(second)
    peer:close()
  end)

  it("can refuse connections while others hold its descriptor", function()
    local fd = bind("127.0.0.1", 0)
    local listener, port = open(fd)
    close(listener)
    C.listen_refuse(fd)
    assert.is_nil(socket.connect("127.0.0.1", port))
  end)

  it("may be closed from within its callback", function()
    local listener, port = open(bind("127.0.0.1", 0))
    accepted.hook = function() close(listener) end
    local peers = { client(port), client(port), client(port) }
    world:wait("a connection", function() return accepted[1] end)
    world:pass(10)
    assert.equal(1, #accepted)
    for _, peer in ipairs(peers) do
      peer:close()
    end
  end)

  it("keeps clients waiting while there are no descriptors, and says so", function()
    local listener, port = open(bind("127.0.0.1", 0))
    local log = ffi.new("int[2]")
    ffi.C.pipe(log)
    ffi.C.fcntl(log[0], F_SETFL, ffi.new("int", O_NONBLOCK))
    C.log_setup(C.LOG_NOTICE, log[1], -1)
    local peers = { client(port), client(port) }
    world:turn()
    for i, conn in ipairs(accepted) do
      C.conn_close(conn)
      accepted[i] = nil
    end
    world:wait("an empty loop", function() return world.loop.conns == 0 end)
    peers[3] = client(port)
    world.without_descriptors(function()
      world:pass(300)
      assert.equal(0, #accepted)
    end)
    world:wait("the connection", function() return accepted[1] end)
    C.log_setup(C.LOG_NOTICE, 2, 1)
    local chunk = ffi.new("char[65536]")
    local said = ffi.string(chunk, ffi.C.read(log[0], chunk, 65536))
    assert.matches("^[^\n]*%[crit%][^\n]* %(24: Too many open files%)[^\n]*\n$", said)
    close(listener)
    for _, peer in ipairs(peers) do
      peer:close()
    end
    ffi.C.close(log[0])
    ffi.C.close(log[1])
  end)

  it("can be closed while it waits for descriptors", function()
    local listener, port = open(bind("127.0.0.1", 0))
    C.log_setup(C.LOG_NOTICE, -1, -1)
    local peer = client(port)
    world.without_descriptors(function() world:pass(20) end)
    close(listener)
    C.log_setup(C.LOG_NOTICE, 2, 1)
    assert.equal(0, tonumber(world.loop.wheel.count))
    world:pass(150)
    assert.equal(0, #accepted)
    peer:close()
  end)

  it("says what the system said about an address that is in use", function()
    local _, port = open(bind("127.0.0.1", 0))
    local _, code, why = bind("127.0.0.1", port)
    assert.equal("io", code)
    local expected = ("bind() to 127.0.0.1:%d failed (98: Address already in use)"):format(port)
    assert.equal(expected, why)
    local _, bad, text = bind("203.0.113.7", 80)
    assert.equal("address", bad)
    assert.matches("bind() to 203.0.113.7:80 failed (99: ", text, 1, true)
  end)

  it("knows the port that the system chose", function()
    local fd = bind("127.0.0.1", 0)
    local addr = ffi.new("struct addr")
    C.listen_local(fd, addr)
    assert.is_true(C.addr_port(addr) > 0)
    assert.is_true(C.addr_eq(addr, world.addr("127.0.0.1", C.addr_port(addr))))
    C.listen_local(-1, addr)
    assert.equal(0, addr.len)
  end)

  it("shares a port between sockets that ask for it", function()
    local _, port = open(bind("127.0.0.1", 0, { reuseport = true }))
    assert.is_truthy(bind("127.0.0.1", port, { reuseport = true, backlog = 7 }))
  end)

  it("takes the other options", function()
    local listener, port = open(bind("127.0.0.1", 0, { deferred = true, keepalive = 1 }))
    local peer = client(port)
    peer:send("x")
    world:wait("the connection", function() return accepted[1] end)
    close(listener)
    peer:close()
    local v6, code = bind("::1", 0, { ipv6only = 1 })
    assert.is_true(v6 ~= nil or code == "address")   -- a machine may have no IPv6
  end)
end)
