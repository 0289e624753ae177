local ffi = require "ffi"
local socket = require "socket"
local net = require "spec.support.net"
local cimport = require "spec.support.cimport"
local C = cimport("net/datagram.h")

-- Callbacks from C may not be called from compiled code.
jit.off(true, true)

describe("net/datagram", function()
  local world, peer, readable, calls, kept

  before_each(function()
    world, calls, kept = net.new(), 0, {}
    peer = assert(socket.udp())
    peer:setsockname("127.0.0.1", 0)
    peer:settimeout(5)
    readable = ffi.cast("void (*)(void *)", function() calls = calls + 1 end)
  end)

  after_each(function()
    peer:close()
    world:turn()
    world:free()
    readable:free()
  end)

  local function str(text)
    kept[#kept + 1] = text
    return ffi.new("struct str", text, #text)
  end

  -- A socket, or the code of the error.
  local function open(port, path)
    local to, out = ffi.new("struct addr"), ffi.new("struct datagram *[1]")
    assert(C.addr_parse(str("127.0.0.1"), tonumber(port), to) == nil)
    local err = C.datagram_open(world.loop, to, str(path or ""), readable, nil, out)
    if err ~= nil then
      return nil, ffi.string(err.code)
    end
    return out[0]
  end

  local function receive(d, room)
    local p, n, err = ffi.new("char[?]", room), ffi.new("size_t[1]"), ffi.new("err_t[1]")
    if not C.datagram_receive(d, p, room, n, err) then
      return nil
    end
    return err[0] == nil and ffi.string(p, n[0]) or ffi.string(err[0].code)
  end

  it("sends to its peer, and receives from it", function()
    local d = open((select(2, peer:getsockname())))
    assert.is_true(C.datagram_send(d, str("ping")) == nil)
    local text, ip, port = peer:receivefrom()
    assert.equal("ping", text)
    assert.is_nil(receive(d, 10))
    C.datagram_listen(d, true)
    peer:sendto("a long answer", ip, port)
    world:wait("the answer", function() return calls > 0 end)
    assert.equal("a long", receive(d, 6))
    C.datagram_close(d)
  end)

  it("is not told of anything unless it listens", function()
    local d = open((select(2, peer:getsockname())))
    C.datagram_send(d, str("ping"))
    local _, ip, port = peer:receivefrom()
    peer:sendto("pong", ip, port)
    world:pass(20)
    assert.equal(0, calls)
    C.datagram_close(d)
  end)

  it("hears that there is nobody", function()
    local port = select(2, peer:getsockname())
    peer:close()
    local d = open(port)
    C.datagram_send(d, str("ping"))
    C.datagram_listen(d, true)
    world:wait("the refusal", function() return calls > 0 end)
    assert.equal("refused", receive(d, 10))
    C.datagram_close(d)
  end)

  it("does not open towards paths that are none", function()
    assert.same({ nil, "no_file" }, { open(0, "/no/such/socket") })
    assert.same({ nil, "address" }, { open(0, ("/x"):rep(100)) })
  end)
end)
