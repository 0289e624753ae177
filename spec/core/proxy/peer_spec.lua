-- Peers: idle connections, their limits and their end.

local ffi = require("ffi")
local net = require("spec.support.net")
local proxy = require("spec.support.proxy")
local C = proxy.C

jit.off(true, true)

describe("proxy/peer", function()
  local world, realms, realm, ends

  before_each(function()
    world, ends = net.new(), {}
    realms = ffi.new("struct realms")
    C.realms_init(realms, world.loop)
    realms.pool_size, realms.idle_timeout = 10, 60000
    realm = realms.plain
  end)

  after_each(function()
    C.realms_done(realms)
    for _, far in ipairs(ends) do
      far:close()
    end
    world:wait("everything to close", function() return world.loop.conns == 0 end)
    assert.equal(0, tonumber(realms.idle))
    world:free()
  end)

  local function name(text)
    local n = ffi.new("struct peer_name")
    if text then
      assert(C.peer_name_parse(proxy.str(text), n) == nil)
    end
    return n
  end

  local function enter(ip, port, text, sni)
    local address = proxy.addr(ip or "192.0.2.1", port or 80)
    return C.peer_enter(realms, realm, address, name(text), name(sni or text))
  end

  -- An idle connection of the peer: the struct and its other end.
  local function idle(peer)
    local conn, far = world:connect()
    ends[#ends + 1] = far
    local pc = C.peer_conn_new(realms, peer, conn)
    C.peer_give(pc)
    return pc, far
  end

  it("is one for each address, name and SNI", function()
    local peers = {
      enter(), enter("192.0.2.2"), enter("192.0.2.1", 81), enter("192.0.2.1", 80, "a.test"),
      enter("192.0.2.1", 80, "b.test"), enter("192.0.2.1", 80, "b.test", "a.test"), enter("::1"),
    }
    for i, peer in ipairs(peers) do
      for k = i + 1, #peers do
        assert.is_true(peer ~= peers[k])
      end
    end
    assert.is_true(enter() == peers[1])
    assert.equal(2, peers[1].users)
    C.peer_leave(realms, peers[1])
    for _, peer in ipairs(peers) do
      C.peer_leave(realms, peer)
    end
  end)

  it("hands out the newest idle connection first, and each once", function()
    local peer = enter()
    local old, new = idle(peer), idle(peer)
    assert.equal(2, peer.idle_count)
    assert.is_true(C.peer_take(peer) == new)
    assert.is_true(C.peer_take(peer) == old)
    assert.is_true(C.peer_take(peer) == nil)
    assert.equal(2, tonumber(realms.reused))
    C.peer_conn_close(new)
    C.peer_conn_close(old)
    C.peer_leave(realms, peer)
  end)

  it("does not hand out another peer's", function()
    local one, two = enter("192.0.2.1", 80, "a.test"), enter("192.0.2.1", 80, "b.test")
    idle(one)
    assert.is_true(C.peer_take(two) == nil)
    C.peer_leave(realms, one)
    C.peer_leave(realms, two)
  end)

  describe("an idle connection", function()
    local peer

    before_each(function()
      peer = enter()
    end)

    after_each(function()
      C.peer_leave(realms, peer)
    end)

    local function gone(far)
      world:wait("the connection to go", function() return peer.idle_count == 0 end)
      assert.equal("", (world:read_all(far)))
    end

    it("goes when bytes arrive on it", function()
      local _, far = idle(peer)
      far:send("HTTP/1.1 200 OK\r\n\r\n")
      world:wait("the connection to go", function() return peer.idle_count == 0 end)
    end)

    it("goes with its FIN", function()
      local _, far = idle(peer)
      far:shutdown("send")
      gone(far)
    end)

    it("goes when it is reset", function()
      local _, far = idle(peer)
      world.reset(far)
      world:wait("the connection to go", function() return peer.idle_count == 0 end)
    end)

    it("goes when its time is over", function()
      realms.idle_timeout = 60
      local _, far = idle(peer)
      gone(far)
    end)

    it("stays without a timeout", function()
      realms.idle_timeout = 0
      idle(peer)
      world:pass(120)
      assert.equal(1, peer.idle_count)
    end)

    it("is not kept beyond the size of the pool", function()
      realms.pool_size = 1
      idle(peer)
      local _, far = idle(peer)
      assert.equal(1, peer.idle_count)
      assert.equal("", (world:read_all(far)))
    end)

    it("is not kept when it has served enough", function()
      realms.max_requests = 2
      local pc = idle(peer)
      assert.is_true(C.peer_take(peer) == pc)
      pc.requests = 2
      C.peer_give(pc)
      assert.equal(0, peer.idle_count)
    end)

    it("is not kept while it has something to send", function()
      local conn, far = world:connect()
      ends[#ends + 1] = far
      world.write(conn, ("x"):rep(16 * 1024 * 1024))
      assert.is_true(conn.pending.len > 0)
      C.peer_give(C.peer_conn_new(realms, peer, conn))
      assert.equal(0, peer.idle_count)
    end)

    describe("whose peer was verified for a time", function()
      local now = os.time()

      -- As if it had been verified for the seconds from and until then, seen from now.
      local function verified(pc, from, till)
        pc.span = { now + from, now + till }
        return pc
      end

      -- Gives it back and takes it again.
      local function survives(from, till)
        local pc = verified(idle(peer), -1000, 1000)
        assert.is_true(C.peer_take(peer) == pc)
        C.peer_give(verified(pc, from, till))
        local kept = peer.idle_count == 1
        C.peer_forget(peer)
        return kept
      end

      it("has no end when it was not verified", function()
        local pc = idle(peer)
        assert.same({ 0, 2 ^ 63 }, { tonumber(pc.span.from), tonumber(pc.span["until"]) })
      end)

      it("is kept until the end, or until the idle timeout if that is earlier", function()
        local pc = idle(peer)
        for _, case in ipairs({ { idle = 60000, left = 30, want = 30000 },
          { idle = 60000, left = 300, want = 60000 }, { idle = 0, left = 300, want = 300000 } }) do
          realms.idle_timeout = case.idle
          assert.is_true(C.peer_take(peer) == pc)
          now = os.time()
          C.peer_give(verified(pc, -1, case.left))
          local timeout = tonumber(pc.conn.timeout)
          assert.is_true(timeout <= case.want and timeout > case.want - 10000, tostring(timeout))
        end
      end)

      it("is not handed out after the end; one that is older may hold longer", function()
        local old = verified(idle(peer), -1000, 1000)
        local new, far = idle(peer)
        verified(new, -1000, 0)
        assert.is_true(C.peer_take(peer) == old)
        assert.equal(0, peer.idle_count)
        assert.equal("", (world:read_all(far)))
        C.peer_conn_close(old)
      end)

      it("is not kept when that ended during the exchange", function()
        assert.is_true(survives(-1000, 1000))
        assert.is_false(survives(-1000, 0))
      end)

      it("goes when the clock is before the time of the verification", function()
        assert.is_false(survives(1000, 2000))
        verified(idle(peer), 1000, 2000)
        assert.is_true(C.peer_take(peer) == nil)
        assert.equal(0, peer.idle_count)
      end)
    end)

    it("is not handed out when it has just failed", function()
      local pc = idle(peer)
      C.conn_fail(pc.conn, C.err_reset)
      assert.is_true(C.peer_take(peer) == nil)
      world:wait("the connection to go", function() return peer.idle_count == 0 end)
    end)
  end)

  describe("the sweep", function()
    it("frees peers that nobody has used for a while, and no others", function()
      local used, warm = enter("192.0.2.1"), enter("192.0.2.2")
      idle(warm)
      C.peer_leave(realms, warm)
      C.peer_leave(realms, enter("192.0.2.3"))
      C.peers_sweep(realms, realm)
      assert.equal(3, tonumber(realm.peers.count))
      world.loop.now = world.loop.now + C.REALM_UNUSED
      C.peers_sweep(realms, realm)
      assert.equal(2, tonumber(realm.peers.count))
      assert.equal(1, used.users)
      C.peer_leave(realms, used)
    end)

    it("does not wait when there are very many", function()
      for i = 1, 3 * C.PEERS_MANY do
        C.peer_leave(realms, enter("192.0.2.1", i))
      end
      assert.is_true(tonumber(realm.peers.count) <= C.PEERS_MANY)
    end)
  end)

  it("forgets its idle connections and stays usable", function()
    local peer = enter()
    local _, far = idle(peer)
    C.peer_forget(peer)
    assert.equal(0, peer.idle_count)
    assert.equal("", (world:read_all(far)))
    idle(peer)
    assert.equal(1, peer.idle_count)
    C.peer_leave(realms, peer)
  end)
end)
