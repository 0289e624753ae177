local ffi = require "ffi"
local net = require "spec.support.net"
local cimport = require "spec.support.cimport"
local C = cimport("net/option.h", "net/conn.h")

ffi.cdef [[
int socketpair(int domain, int type, int protocol, int *fds);
int getsockopt(int fd, int level, int option, void *value, unsigned *n);
int close(int fd);
int dup(int fd);
]]

local AF_UNIX, STREAM_NONBLOCK = 1, 1 + 2048
local SOL_SOCKET, SO_KEEPALIVE, SO_RCVBUF = 1, 9, 8

describe("net/option", function()
  local world, fds, own, conn

  before_each(function()
    world = net.new()
    fds = ffi.new("int[2]")
    assert(ffi.C.socketpair(AF_UNIX, STREAM_NONBLOCK, 0, fds) == 0)
    own = ffi.C.dup(fds[0])
    conn = C.conn_from_fd(world.loop, fds[0])
  end)

  after_each(function()
    C.conn_close(conn)
    world:turn()
    ffi.C.close(own)
    ffi.C.close(fds[1])
    world:free()
  end)

  local function set(name, value)
    local err = C.option_set(conn, ffi.new("struct str", name, #name), value)
    return err ~= nil and ffi.string(err.code) or nil
  end

  local function get(option)
    local value, n = ffi.new("int[1]"), ffi.new("unsigned[1]", 4)
    assert(ffi.C.getsockopt(own, SOL_SOCKET, option, value, n) == 0)
    return value[0]
  end

  it("sets what the kernel keeps", function()
    assert.is_nil(set("keepalive", 1))
    assert.equal(1, get(SO_KEEPALIVE))
    assert.is_nil(set("rcvbuf", 8192))
    assert.equal(2 * 8192, get(SO_RCVBUF)) -- Linux doubles it
  end)

  it("refuses what there is not", function()
    assert.equal("option", set("linger", 1))
    assert.equal("io", set("tcp-nodelay", 1)) -- this is no TCP socket
  end)
end)
