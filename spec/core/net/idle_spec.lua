-- Connections that nobody uses: whatever happens to one ends it, once.

local ffi = require "ffi"
local net = require "spec.support.net"
local cimport = require "spec.support.cimport"

local C = cimport("net/idle.h")

jit.off(true, true)

describe("net/idle", function()
  local world, conn, peer, idle, ends, over

  before_each(function()
    world = net.new()
    conn, peer = world:connect()
    C.conn_start(conn)
    ends = 0
    over = ffi.cast("void (*)(struct idle *)", function()
      ends = ends + 1
      C.conn_close(conn)
    end)
    idle = ffi.new("struct idle")
    idle.over = over
  end)

  after_each(function()
    if ends == 0 then
      C.conn_close(conn)
    end
    peer:close()
    world:wait("everything to close", function() return world.loop.conns == 0 end)
    world:free()
    over:free()
  end)

  -- As idle_begin() does it, which is inline.
  local function begin(ms)
    C.conn_set_user(conn, C.idle_user, idle)
    C.conn_set_timeout(conn, ms, false)
    C.conn_resume(conn)
  end

  local EVENTS = {
    bytes = function() peer:send("unasked") end,
    ["the end of the peer's"] = function() peer:shutdown("send") end,
    ["a reset"] = function() world.reset(peer) end,
  }
  for what, happen in pairs(EVENTS) do
    it("end with " .. what, function()
      begin(0)
      world:pass(5)
      assert.equal(0, ends)
      happen()
      world:wait("its end", function() return ends > 0 end)
      world:pass(5)
      assert.equal(1, ends)
    end)
  end

  it("end with their time", function()
    begin(5)
    world:wait("its end", function() return ends > 0 end)
    assert.equal(1, ends)
  end)
end)
