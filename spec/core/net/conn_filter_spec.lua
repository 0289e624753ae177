-- Connections with a filter between them and their user, as TLS is one (core/net/conn.h).

local ffi = require "ffi"
local net = require "spec.support.net"
local C, large = net.C, net.large

-- Callbacks from C may not be called from compiled code.
jit.off(true, true)


describe("net/conn: a filter", function()
  local world, conn, peer, record
  local filter, seen

  local function close()
    record.ended = true
    C.conn_close(conn)
  end

  local function upper(s)
    return (s:gsub("%l", string.upper))
  end

  before_each(function()
    world = net.new()
    conn, peer = world:connect()
    record = world:record(conn)
    seen = { eofs = 0, goodbyes = 0, done = 0 }
    filter = ffi.new("struct conn_filter")
    filter.input = function(c, p, n)
      -- Piece by piece, as records are.
      local text = upper(ffi.string(p, n))
      for at = 1, #text, 3 do
        local piece = text:sub(at, at + 2)
        C.conn_deliver(c, piece, #piece)
      end
    end
    filter.input_eof = function(c)
      seen.eofs = seen.eofs + 1
      if seen.truncated then
        C.conn_fail(c, C.err_tls_truncated)
      else
        C.conn_deliver_eof(c)
      end
    end
    filter.output = function(c, v, count)
      if seen.refuse then
        return C.err_tls_record
      end
      for i = 0, count - 1 do
        local text = "<" .. ffi.string(v[i].p, v[i].n) .. ">"
        C.conn_write_raw(c, text, #text)
      end
      return nil
    end
    filter.goodbye = function(c)
      seen.goodbyes = seen.goodbyes + 1
      C.conn_write_raw(c, "goodbye", 7)
    end
    filter.done = function()
      seen.done = seen.done + 1
    end
    C.conn_set_filter(conn, filter, nil)
  end)

  after_each(function()
    assert.equal(0, world:close_all(peer))
    assert.equal(1, seen.done)
    for _, name in ipairs({ "input", "input_eof", "output", "goodbye", "done" }) do
      filter[name]:free()
    end
  end)

  it("transforms both ways", function()
    peer:send("hello world")
    world:wait("data", function() return record.data == "HELLO WORLD" end)
    world.write(conn, "a", "b")
    assert.equal("<a><b>", world:read_all(peer, 6))
    peer:shutdown("send")
    world:wait("eof", function() return record.eofs == 1 end)
  end)

  it("can deliver more than is taken, and stops after a close", function()
    local calls = 0
    record.on_data = function(self, bytes)
      calls = calls + 1
      self.data = self.data .. bytes:sub(1, 1)
      if calls == 2 then
        close()
      end
      return 1
    end
    peer:send("abcdefgh")
    world:wait("the first byte", function() return record.data == "A" end)
    C.conn_resume(conn)
    world:wait("the close", function() return world.loop.conns == 0 end)
    assert.equal("AB", record.data)
    assert.equal(2, calls)
  end)

  it("keeps the order of pieces for a user that pauses in between", function()
    record.on_data = function(self, bytes)
      self.data = self.data .. bytes
      if #self.data == 3 then
        C.conn_pause(conn)
      end
      return #bytes
    end
    peer:send("abcdefghijk")
    world:wait("the first piece", function() return record.data == "ABC" end)
    world:pass(5)
    assert.equal("ABC", record.data)
    C.conn_resume(conn)
    world:turn()
    assert.equal("ABCDEFGHIJK", record.data)
  end)

  it("fails a bare end after what was delivered", function()
    seen.truncated = true
    C.conn_pause(conn)
    peer:send("last")
    world:wait("held bytes", function() return conn.held.len == 4 end)
    peer:close()
    world:wait("the end", function() return seen.eofs == 1 end)
    world:pass(5)
    assert.equal(0, record.failures)
    C.conn_resume(conn)
    world:wait("the failure", function() return record.failures == 1 end)
    assert.equal("LAST", record.data)
    assert.equal("tls_truncated", record.failed)
    assert.equal(0, record.eofs)
  end)

  it("fails the connection when it cannot write, but not from within conn_write()", function()
    seen.refuse = true
    world.write(conn, "x")
    assert.equal(0, record.failures)
    world:wait("the failure", function() return record.failures == 1 end)
    assert.equal("tls_record", record.failed)
  end)

  it("may still send an alert after it failed", function()
    filter.input:set(function(c)
      C.conn_fail(c, C.err_tls_record)
      C.conn_write_raw(c, "alert", 5)
    end)
    record.on_failed = close
    peer:send("nonsense")
    assert.equal("alert", world:read_all(peer))
    assert.equal(1, record.failures)
  end)

  it("says goodbye behind what is pending", function()
    local data = large()
    world.write(conn, data)
    record.ended = true
    C.conn_finish(conn, 1000)
    local got = world:read_all(peer)
    assert.is_true(got == "<" .. data .. ">goodbye")
    assert.equal(1, seen.goodbyes)
    peer:close()
  end)
end)
