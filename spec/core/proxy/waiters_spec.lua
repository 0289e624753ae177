-- Turns at TLS handshakes: who begins, who waits, who is served, and who goes away.

local ffi = require("ffi")
local net = require("spec.support.net")
local proxy = require("spec.support.proxy")
local tls = require("spec.support.tls")
local C = proxy.C

jit.off(true, true)

describe("proxy/waiters", function()
  local world, realms, waiters, ends, tries, came, on_come

  local function key(h)
    return tostring(ffi.cast("void *", h))
  end

  before_each(function()
    world, ends, tries, came = net.new(), {}, {}, {}
    realms = ffi.new("struct realms")
    C.realms_init(realms, world.loop)
    realms.pool_size, realms.idle_timeout = 10, 60000
    waiters = realms.waiters
    waiters.max = 1
    on_come = ffi.cast("void (*)(struct handshake *, struct peer_conn *, err_t)",
      function(h, pc, err)
        local try = tries[key(h)]
        try.pc = pc ~= nil and pc or nil
        try.error = err ~= nil and ffi.string(err.code) or nil
        came[#came + 1] = try.name
      end)
  end)

  after_each(function()
    for _, try in pairs(tries) do
      C.handshake_end(try.handshake)
      if try.pc then
        C.peer_conn_close(try.pc)
      end
    end
    assert.equal(0, tonumber(waiters.waiting))
    assert.equal(0, waiters.running)
    C.realms_done(realms)
    for _, far in ipairs(ends) do
      far:close()
    end
    world:wait("everything to close", function() return world.loop.conns == 0 end)
    assert.equal(0, tonumber(world.loop.wheel.count))
    world:free()
    on_come:free()
  end)

  -- A peer that nobody leaves.
  local function enter(port)
    local name = ffi.new("struct peer_name")
    return C.peer_enter(realms, realms.plain, proxy.addr("192.0.2.1", port), name, name)
  end

  -- A try at the peer, which begins or waits; true when it began.
  local function try(name, peer, ms)
    local t = { name = name, handshake = ffi.new("struct handshake") }
    tries[key(t.handshake)] = t
    C.handshake_init(t.handshake, waiters, on_come)
    t.began = C.handshake_begin(t.handshake)
    if not t.began then
      C.handshake_wait(t.handshake, peer.queue, ms or 60000)
    end
    return t
  end

  -- A connection of the peer becomes free.
  local function give(peer)
    local conn, far = world:connect()
    ends[#ends + 1] = far
    local pc = C.peer_conn_new(realms, peer, conn)
    C.peer_give(pc)
    return pc
  end

  local function stop(t)
    C.handshake_end(t.handshake)
    world:turn()
  end

  it("begin up to the limit", function()
    waiters.max = 2
    local peer = enter(1)
    assert.is_true(try("a", peer).began)
    assert.is_true(try("b", peer).began)
    assert.is_false(try("c", peer).began)
    world:pass(5)
    assert.same({}, came)
    assert.equal(2, waiters.running)
    assert.equal(1, tonumber(waiters.waiting))
  end)

  it("begin all without a limit", function()
    waiters.max = 0
    local peer = enter(1)
    for i = 1, 200 do
      assert.is_true(try(i, peer).began)
    end
  end)

  it("follow each other, oldest first", function()
    local peer = enter(1)
    local first = try("a", peer)
    local b, c = try("b", peer), try("c", peer)
    stop(first)
    assert.same({ "b" }, came)
    stop(b)
    stop(c)
    assert.same({ "b", "c" }, came)
    assert.is_nil(c.pc)
    assert.is_nil(c.error)
  end)

  it("take turns by peer, so that a peer with many does not keep others waiting", function()
    local busy, other, third = enter(1), enter(2), enter(3)
    local now = try("a", busy)
    local list = {
      try("b", busy), try("c", busy), try("d", busy), try("x", other), try("y", other),
      try("z", third),
    }
    local by_name = {}
    for _, t in ipairs(list) do
      by_name[t.name] = t
    end
    for _ = 1, #list do
      stop(now)
      now = by_name[came[#came]]
    end
    assert.same({ "b", "x", "z", "c", "y", "d" }, came)
  end)

  it("do not overtake: room is theirs who wait already", function()
    local peer = enter(1)
    local first = try("a", peer)
    try("b", peer)
    C.handshake_end(first.handshake)
    assert.is_false(try("c", enter(2)).began)
    world:turn()
    assert.same({ "b" }, came)
  end)

  it("come from the end of the loop's turn, not from within the call that made room", function()
    local peer = enter(1)
    local first = try("a", peer)
    try("b", peer)
    C.handshake_end(first.handshake)
    assert.same({}, came)
    world:turn()
    assert.same({ "b" }, came)
  end)

  it("go on when the limit is raised, and when it is lifted", function()
    local peer = enter(1)
    for _, name in ipairs({ "a", "b", "c", "d", "e" }) do
      try(name, peer)
    end
    C.waiters_limit(waiters, 3)
    world:turn()
    assert.same({ "b", "c" }, came)
    C.waiters_limit(waiters, 0)
    world:turn()
    assert.same({ "b", "c", "d", "e" }, came)
  end)

  describe("a connection that becomes free", function()
    it("serves its peer's oldest waiter", function()
      local peer = enter(1)
      try("a", peer)
      local b, c = try("b", peer), try("c", peer)
      local pc = give(peer)
      world:turn()
      assert.same({ "b" }, came)
      assert.is_true(b.pc == pc)
      assert.is_nil(c.pc)
      assert.equal(0, peer.idle_count)
      assert.equal(1, tonumber(realms.reused))
      assert.equal(1, waiters.running)
    end)

    it("serves nobody who waits for another peer", function()
      local peer, other = enter(1), enter(2)
      try("a", peer)
      try("b", other)
      give(peer)
      world:turn()
      assert.same({}, came)
      assert.equal(1, peer.idle_count)
    end)

    it("stays idle when its waiter has gone in the same turn", function()
      local peer = enter(1)
      try("a", peer)
      local b = try("b", peer)
      give(peer)
      stop(b)
      assert.same({}, came)
      assert.equal(1, peer.idle_count)
    end)

    it("and fails in the same turn serves nobody", function()
      local peer = enter(1)
      try("a", peer)
      try("b", peer)
      C.conn_fail(give(peer).conn, C.err_reset)
      world:pass(5)
      assert.same({}, came)
      assert.equal(1, tonumber(waiters.waiting))
    end)

    it("serves as many as there are connections", function()
      local peer, other = enter(1), enter(2)
      try("a", peer)
      try("b", peer)
      try("x", other)
      try("c", peer)
      try("y", other)
      give(peer)
      give(other)
      give(peer)
      world:turn()
      table.sort(came)
      assert.same({ "b", "c", "x" }, came)
      assert.equal(1, tonumber(waiters.waiting))
    end)
  end)

  describe("a wait", function()
    it("ends with an error when its time is over", function()
      local peer = enter(1)
      try("a", peer)
      local b = try("b", peer, 60)
      try("c", peer)
      world:wait("the end of the wait", function() return #came > 0 end)
      assert.same({ "b" }, came)
      assert.equal("handshake_wait", b.error)
      assert.equal(1, tonumber(waiters.waiting))
      assert.equal(504, C.err_handshake_wait.status)
    end)

    it("that is given up is over, and the next one's turn comes", function()
      local peer = enter(1)
      local first = try("a", peer)
      local b = try("b", peer)
      try("c", peer)
      stop(b)
      stop(first)
      assert.same({ "c" }, came)
    end)
  end)

  describe("a handshake that takes long", function()
    it("counts no more while others wait", function()
      local peer = enter(1)
      local first = try("a", peer)
      first.handshake.since = world.loop.now - C.HANDSHAKE_LONG
      try("b", enter(2))
      world:wait("the next one", function() return #came > 0 end)
      assert.same({ "b" }, came)
      assert.equal(1, waiters.running)
      stop(first)
      assert.equal(1, waiters.running)
    end)

    it("counts while nobody waits", function()
      local peer = enter(1)
      try("a", peer).handshake.since = world.loop.now - C.HANDSHAKE_LONG
      world:pass(60)
      assert.equal(1, waiters.running)
    end)
  end)
end)

-- Upstreams of these accept connections and say nothing: handshakes with them do not end.
describe("requests that wait for a handshake", function()
  local GET = proxy.GET
  local world, server, policy

  local function configure(plan)
    plan.tls, plan.policy = true, policy
    world:configure({ targets = { server.port }, plan = plan,
      settings = { tls_handshakes_max = 1 } })
  end

  before_each(function()
    world = proxy.new()
    server = world:listen()
    policy = tls.policy({})
  end)

  after_each(function()
    world:free()
  end)

  local function ask()
    local client = world:client()
    client:send(GET)
    return client
  end

  local function wait_for(count)
    world:wait(count .. " to wait", function()
      return tonumber(world.proxy.realms.waiters.waiting) == count
    end)
  end

  it("connect when the one before has failed", function()
    configure({})
    local first = ask()
    local peer = server:accept()
    local second = ask()
    wait_for(1)
    assert.is_false(server:is_asked())
    peer:close()
    assert.equal(502, first:response().status)
    server:accept():close()
    assert.equal(502, second:response().status)
  end)

  it("are answered with 504 when the time to connect is over", function()
    configure({ connect_timeout = 150, retries = 3 })
    ask()
    server:accept()
    local second = ask()
    wait_for(1)
    assert.equal(504, second:response().status)
    assert.matches("too many TLS handshakes are under way while connecting to upstream",
      world:log())
  end)

  it("are gone with their client", function()
    configure({})
    ask()
    server:accept()
    local second = ask()
    wait_for(1)
    second:reset()
    wait_for(0)
    assert.equal(1, #world:clients())
  end)

  it("go on under the policy they came with when the configuration changes", function()
    configure({})
    local first = ask()
    local peer = server:accept()
    ask()
    wait_for(1)
    policy = tls.policy({ depth = 7 })
    configure({})
    ask()
    wait_for(2)
    peer:close()
    first:response()
    server:accept()
    wait_for(1)
  end)

  it("end with their worker", function()
    configure({})
    ask()
    server:accept()
    ask()
    wait_for(1)
  end)
end)
