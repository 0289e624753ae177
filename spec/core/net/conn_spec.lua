local ffi = require "ffi"
local socket = require "socket"
local net = require "spec.support.net"
local C, large = net.C, net.large

-- Callbacks from C may not be called from compiled code.
jit.off(true, true)

ffi.cdef [[
int socketpair(int domain, int type, int protocol, int fds[2]);
int setsockopt(int fd, int level, int option, const void *value, unsigned len);
long read(int fd, void *p, size_t n);
int close(int fd);
]]

local AF_UNIX, SOCK_STREAM, SOL_SOCKET, SO_SNDBUF = 1, 1, 1, 7
local MB = 1024 * 1024


describe("net/conn", function()
  local world, conn, peer, record

  before_each(function()
    world = net.new()
    conn, peer = world:connect()
    record = world:record(conn)
  end)

  after_each(function()
    assert.equal(0, world:close_all(peer))
  end)

  -- After this the spec no longer closes the connection: it frees itself.
  local function finish(linger)
    record.ended = true
    C.conn_finish(conn, linger)
  end

  local function close()
    record.ended = true
    C.conn_close(conn)
  end

  -- A connection over a socket pair with a send buffer of so many bytes, and the other descriptor.
  local function pair(buffer, idle)
    local fds = ffi.new("int[2]")
    assert.equal(0, ffi.C.socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
    ffi.C.setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, ffi.new("int[1]", buffer), 4)
    local c = C.conn_from_fd(world.loop, fds[0])
    if idle then
      world.records.idle = { conn = c }
    else
      world:adopt(c)
    end
    return c, fds[1]
  end

  describe("reading", function()
    it("delivers what arrives", function()
      peer:send("hello")
      world:wait("data", function() return record.data == "hello" end)
      assert.equal(5, tonumber(conn.bytes_in))
    end)

    it("delivers a lot, in order", function()
      local data, sent = large(2 * MB), 0
      world:wait("all of it", function()
        local n, _, part = peer:send(data, sent + 1)
        sent = n or part or sent
        return #record.data == #data
      end)
      assert.is_true(record.data == data)
    end)

    it("does not begin before conn_start()", function()
      local c, fd = pair(65536, true)
      assert.is_false(c.reading)
      C.conn_resume(c)
      world:turn()
      assert.is_false(c.reading)
      assert.equal(0, c.peer.len)   -- it is no internet socket
      ffi.C.close(fd)
    end)

    it("refuses a descriptor that is none", function()
      assert.is_true(C.conn_from_fd(world.loop, 12345) == nil)
    end)

    it("numbers connections and knows both ends", function()
      local other, other_peer = world:connect()
      assert.is_true(other.id > conn.id)
      local _, port = peer:getpeername()
      assert.equal(tonumber(port), C.addr_port(conn["local"]))
      local _, peer_port = peer:getsockname()
      assert.equal(tonumber(peer_port), C.addr_port(conn.peer))
      other_peer:close()
    end)

    it("offers again what was not taken", function()
      record.on_data = function(self, bytes)
        self.data = self.data .. bytes:sub(1, 2)
        return math.min(2, #bytes)
      end
      peer:send("abcde")
      world:wait("the first bytes", function() return record.data == "ab" end)
      assert.is_true(conn.paused)
      world:pass(5)
      assert.equal("ab", record.data)
      C.conn_resume(conn)
      assert.equal("ab", record.data)   -- not from within conn_resume()
      world:turn()
      assert.equal("abcd", record.data)
      C.conn_resume(conn)
      world:turn()
      assert.equal("abcde", record.data)
      assert.is_false(conn.paused)
    end)

    it("holds a bounded amount for a paused user", function()
      C.conn_pause(conn)
      local data, sent = large(), 0
      world:wait("it to stop reading", function()
        local n, _, part = peer:send(data, sent + 1)
        sent = n or part or sent
        return not conn.reading
      end)
      assert.equal("", record.data)
      assert.is_true(conn.held.len > 64 * 1024 and conn.held.len <= 128 * 1024)
      C.conn_resume(conn)
      world:wait("all of it", function()
        local n, _, part = peer:send(data, sent + 1)
        sent = n or part or sent
        return #record.data == #data
      end)
      assert.is_true(record.data == data)
      assert.is_true(conn.reading)
    end)

    it("can be closed from within data, with more to come", function()
      record.on_data = function(_, bytes)
        close()
        return #bytes
      end
      peer:send(("x"):rep(100000))
      world:wait("the close", function() return world.loop.conns == 0 end)
      assert.equal(0, record.eofs + record.failures)
    end)

    it("can be closed while held bytes are offered", function()
      C.conn_pause(conn)
      peer:send(("x"):rep(60000))
      world:wait("held bytes", function() return conn.held.len == 60000 end)
      local calls = 0
      record.on_data = function(_, bytes)
        calls = calls + 1
        close()
        return #bytes
      end
      C.conn_resume(conn)
      world:wait("the close", function() return world.loop.conns == 0 end)
      assert.equal(1, calls)
    end)

    it("can be paused from within data", function()
      record.on_data = function(self, bytes)
        self.data = self.data .. bytes
        C.conn_pause(conn)
        return #bytes
      end
      peer:send("one")
      world:wait("one", function() return record.data == "one" end)
      peer:send("two")
      world:pass(10)
      assert.equal("one", record.data)
      C.conn_resume(conn)
      world:turn()
      assert.equal("onetwo", record.data)
    end)
  end)

  describe("the end of the peer's data", function()
    it("is told once, and writing still works", function()
      peer:send("last")
      peer:shutdown("send")
      world:wait("eof", function() return record.eofs == 1 end)
      assert.equal("last", record.data)
      world.write(conn, "answer")
      assert.equal("answer", world:read_all(peer, 6))
      world:pass(5)
      assert.equal(1, record.eofs)
    end)

    it("comes after the bytes that are held", function()
      C.conn_pause(conn)
      peer:send("last")
      world:wait("held bytes", function() return conn.held.len == 4 end)
      peer:shutdown("send")
      world:pass(10)
      assert.equal(0, record.eofs)
      record.on_eof = function(self) self.at_eof = self.data end
      C.conn_resume(conn)
      world:wait("eof", function() return record.eofs == 1 end)
      assert.equal("last", record.at_eof)
    end)

    it("is noticed by a paused user that holds nothing", function()
      C.conn_pause(conn)
      peer:close()
      world:wait("eof", function() return record.eofs == 1 end)
    end)

    it("may be answered with a close", function()
      record.on_eof = close
      peer:close()
      world:wait("the close", function() return world.loop.conns == 0 end)
      assert.equal(0, record.failures)
    end)
  end)

  describe("writing", function()
    it("sends several slices as one", function()
      world.write(conn, "one ", "", "two ", "three")
      assert.equal("one two three", world:read_all(peer, 13))
      assert.equal(13, tonumber(conn.bytes_out))
      assert.is_false(conn.congested)
    end)

    it("takes more slices than the kernel does at a time", function()
      local slices = {}
      for i = 1, 50 do
        slices[i] = ("%04d"):format(i)
      end
      world.write(conn, unpack(slices))
      assert.equal(table.concat(slices), world:read_all(peer, 200))
    end)

    it("does nothing for nothing", function()
      world.write(conn)
      world.write(conn, "", "")
      assert.equal(0, tonumber(conn.bytes_out))
    end)

    it("lets what is small go together at the end of the turn", function()
      world.write(conn, "one ")
      world.write(conn, "two ")
      assert.equal("", world.read(peer))
      assert.equal(0, tonumber(conn.bytes_out))
      world:turn()
      assert.equal("one two ", world.read(peer))
    end)

    it("keeps the order of what is small and what is not", function()
      local data = ("0123456789"):rep(1000)
      world.write(conn, "before ")
      world.write(conn, data)
      world.write(conn, " after")
      assert.equal("before " .. data .. " after", world:read_all(peer, #data + 13))
    end)

    it("does not make many connections wait for each other", function()
      local others = {}
      for i = 1, C.LOOP_BATCH - 1 do
        others[i] = world:connect()
      end
      local before, after
      world.in_one_tick(function()
        world:turn()
        local sent = tonumber(others[1].bytes_out)
        for _, other in ipairs(others) do
          world.write(other, "x")
        end
        before = tonumber(others[1].bytes_out) - sent
        world.write(conn, "x")
        after = tonumber(others[1].bytes_out) - sent
      end)
      assert.equal(0, before)
      assert.equal(1, after)
    end)

    it("does not make one connection wait while others take their time", function()
      local other = world:connect()
      world.write(other, "x")
      world.next_tick()
      assert.equal(0, tonumber(other.bytes_out))
      world.write(conn, "x")
      assert.equal(1, tonumber(other.bytes_out))
      assert.equal(1, tonumber(conn.bytes_out))
    end)

    it("sends what is small before it closes", function()
      world.write(conn, "the end")
      close()
      assert.equal("the end", world.read(peer))
    end)

    it("owns no memory while the peer keeps up", function()
      world.write(conn, "hello")
      world:turn()
      assert.equal(0, tonumber(world.loop.bufs.in_use))
      assert.is_false(conn.writing)
    end)

    it("keeps what a slow reader leaves, says so, and tells when it is gone", function()
      local data = large()
      world.write(conn, data)
      assert.is_true(conn.congested)
      assert.is_true(conn.pending.len > 64 * 1024)
      world.write(conn, "the end")
      world:pass(20)
      assert.equal(0, record.drained)
      local got = world:read_all(peer, #data + 7)
      assert.is_true(got == data .. "the end")
      world:wait("drained", function() return record.drained == 1 end)
      assert.is_false(conn.congested)
      assert.equal(#data + 7, tonumber(conn.bytes_out))
      assert.equal(0, tonumber(world.loop.bufs.in_use))
    end)

    it("may go on from within drained", function()
      local data = large(6 * MB)
      record.on_drained = function(self)
        if self.drained < 3 then
          world.write(conn, data)
        end
      end
      world.write(conn, data)
      local got = world:read_all(peer, 3 * #data)
      assert.is_true(got == data:rep(3))
      world:wait("drained", function() return record.drained == 3 end)
    end)

    it("may be closed with output pending", function()
      world.write(conn, large())
      close()
      world:wait("the close", function() return world.loop.conns == 0 end)
      assert.equal(0, record.failures)
    end)

    it("may be closed from within drained", function()
      record.on_drained = close
      world.write(conn, large())
      world:read_all(peer)
      world:wait("the close", function() return world.loop.conns == 0 end)
    end)
  end)

  describe("failing", function()
    it("tells of a reset", function()
      world.reset(peer)
      world:wait("the failure", function() return record.failures == 1 end)
      assert.equal("reset", record.failed)
      world:pass(5)
      assert.equal(1, record.failures)
      assert.equal(0, record.eofs)
    end)

    it("tells of a reset right behind data, and not of an end", function()
      peer:send("part")
      world.reset(peer)
      world:wait("the failure", function() return record.failures == 1 end)
      assert.equal("part", record.data)
      assert.equal("reset", record.failed)
      assert.equal(0, record.eofs)
    end)

    it("tells of it after the bytes that are held", function()
      C.conn_pause(conn)
      peer:send("part")
      world:wait("held bytes", function() return conn.held.len == 4 end)
      world.reset(peer)
      world:pass(20)
      assert.equal(0, record.failures)
      record.on_failed = function(self) self.at_failure = self.data end
      C.conn_resume(conn)
      world:wait("the failure", function() return record.failures == 1 end)
      assert.equal("part", record.at_failure)
    end)

    it("does not wait for a resume when the user waits for the output", function()
      world.write(conn, large())
      C.conn_pause(conn)
      peer:send("part")
      world:wait("held bytes", function() return conn.held.len == 4 end)
      world.reset(peer)
      world:wait("the failure", function() return record.failures == 1 end)
      assert.equal("", record.data)
    end)

    it("is never told from within conn_write()", function()
      world.reset(peer)
      socket.sleep(0.01)
      world.write(conn, "into the void")
      assert.equal(0, record.failures)
      world.write(conn, "again")
      world:wait("the failure", function() return record.failures == 1 end)
      assert.equal("reset", record.failed)
    end)

    it("shows when it is finished, too, and then nobody is waited for", function()
      world.reset(peer)
      socket.sleep(0.01)
      world.write(conn, "into the void")
      C.conn_finish(conn, 60000)
      record.ended = true
      assert.is_true(conn.closing)
      assert.equal(0, world.loop.finishing)
    end)

    it("does not lose an answer that came before the peer closed on us", function()
      peer:send("early answer")
      world.reset(peer)
      socket.sleep(0.01)
      world.write(conn, "body", "that nobody wants")
      C.conn_flush(conn)    -- fails before the answer is read
      assert.is_true(conn.broken)
      world:wait("the failure", function() return record.failures == 1 end)
      assert.equal("early answer", record.data)
    end)

    it("does not take the end behind a failed write for a clean one", function()
      C.conn_pause(conn)
      peer:send("early")
      world:wait("held bytes", function() return conn.held.len == 5 end)
      world.reset(peer)
      socket.sleep(0.01)
      world.write(conn, "body")
      C.conn_flush(conn)
      assert.is_true(conn.broken)
      world:pass(10)
      C.conn_resume(conn)
      world:wait("the failure", function() return record.failures == 1 end)
      assert.equal("early", record.data)
      assert.equal(0, record.eofs)
      assert.equal("reset", record.failed)
    end)

    it("drops what is written afterwards", function()
      world.reset(peer)
      world:wait("the failure", function() return record.failures == 1 end)
      world.write(conn, large())
      assert.is_false(conn.congested)
      assert.equal(0, tonumber(world.loop.bufs.in_use))
    end)

    it("may be answered with a finish, which closes at once", function()
      record.on_failed = function() finish(60000) end
      world.reset(peer)
      world:wait("the close", function() return world.loop.conns == 0 end)
    end)
  end)

  describe("timeouts", function()
    it("tell a reader that nothing came", function()
      C.conn_set_timeout(conn, 60, true)
      world:wait("the timeout", function() return record.failures == 1 end)
      assert.equal("read_timeout", record.failed)
    end)

    it("tell a writer that nothing went", function()
      world.write(conn, large())
      C.conn_set_timeout(conn, 60, true)
      world:wait("the timeout", function() return record.failures == 1 end)
      assert.equal("write_timeout", record.failed)
    end)

    it("count from the last byte when they are told to", function()
      C.conn_set_timeout(conn, 400, true)
      for _ = 1, 12 do
        peer:send("x")
        world:pass(50)
      end
      assert.equal(0, record.failures)
      world:wait("the timeout", function() return record.failures == 1 end)
    end)

    it("do not otherwise", function()
      C.conn_set_timeout(conn, 100, false)
      world:wait("the timeout", function()
        peer:send("x")
        return record.failures == 1
      end)
    end)

    it("let a peer live that takes a little now and then", function()
      -- A socket with so small a buffer that one write takes longer than the timeout.
      local c, fd = pair(16384)
      local chunk = ffi.new("char[8192]")
      C.conn_set_timeout(c, 250, true)
      world.write(c, large(256 * 1024))
      for _ = 1, 15 do
        ffi.C.read(fd, chunk, 8192)
        world:pass(60)
      end
      assert.equal(0, world:record(c).failures)
      world:wait("the timeout", function() return world:record(c).failures == 1 end)
      assert.equal("write_timeout", world:record(c).failed)
      ffi.C.close(fd)
    end)

    it("can be switched off and moved", function()
      C.conn_set_timeout(conn, 50, true)
      C.conn_set_timeout(conn, 0, true)
      world:pass(150)
      assert.equal(0, record.failures)
      C.conn_set_timeout(conn, 60000, true)
      C.conn_set_timeout(conn, 50, true)
      world:wait("the timeout", function() return record.failures == 1 end)
    end)

    it("are told at once to a paused user with held bytes", function()
      C.conn_pause(conn)
      peer:send("held")
      world:wait("held bytes", function() return conn.held.len == 4 end)
      C.conn_set_timeout(conn, 50, true)
      world:wait("the timeout", function() return record.failures == 1 end)
      assert.equal("", record.data)
    end)

    it("allow a last answer", function()
      C.conn_set_timeout(conn, 50, false)
      record.on_failed = function()
        world.write(conn, "408")
        finish(1000)
      end
      assert.same({ "408", "closed" }, { world:read_all(peer) })
    end)
  end)

  describe("conn_finish", function()
    it("sends what is pending, then ends the data", function()
      local data = large()
      world.write(conn, data)
      finish(1000)
      local got, err = world:read_all(peer)
      assert.is_true(got == data)
      assert.equal("closed", err)
      assert.equal(1, world.loop.conns)   -- it lingers
      peer:close()
      world:wait("the close", function() return world.loop.conns == 0 end)
      assert.equal(0, record.eofs + record.failures + record.drained)
    end)

    it("lets a peer that still sends read our answer", function()
      record.on_data = function() return 0 end
      peer:send(("x"):rep(1000))
      world:wait("the first bytes", function() return conn.paused end)
      world.write(conn, "413")
      finish(2000)
      for _ = 1, 20 do
        peer:send(("x"):rep(50000))
        world:turn()
      end
      assert.equal("413", world:read_all(peer, 3))
      assert.equal(1, world.loop.conns)
      peer:close()
      world:wait("the close", function() return world.loop.conns == 0 end)
    end)

    it("waits only so long", function()
      finish(60)
      world:wait("the close", function()
        peer:send("on and on")
        return world.loop.conns == 0
      end)
    end)

    it("does not wait when it need not", function()
      world.write(conn, "bye")
      finish(0)
      world:turn()
      world:turn()
      assert.equal(0, world.loop.conns)
      assert.equal("bye", world:read_all(peer))
    end)

    it("closes at once behind a peer that ended already", function()
      peer:shutdown("send")
      world:wait("eof", function() return record.eofs == 1 end)
      world.write(conn, "bye")
      finish(60000)
      assert.equal("bye", world:read_all(peer))
      world:wait("the close", function() return world.loop.conns == 0 end)
    end)

    it("gives up on a peer that takes nothing", function()
      C.conn_set_timeout(conn, 60, false)
      world.write(conn, large())
      finish(60000)
      world:wait("the close", function() return world.loop.conns == 0 end)
      assert.equal(0, record.failures)
    end)

    it("gives up on a reset", function()
      world.write(conn, large())
      finish(60000)
      world.reset(peer)
      world:wait("the close", function() return world.loop.conns == 0 end)
    end)

    it("ignores what is written afterwards, and a second end", function()
      finish(1000)
      world.write(conn, "too late")
      C.conn_finish(conn, 5)
      C.conn_close(conn)
      C.conn_close(conn)
      assert.equal("", world:read_all(peer))
    end)
  end)
end)
