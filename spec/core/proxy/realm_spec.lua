-- Realms: one per policy, and what becomes of them when the configuration changes.

local ffi = require("ffi")
local net = require("spec.support.net")
local pki = require("spec.fixtures.pki")
local tls = require("spec.support.tls")
local proxy = require("spec.support.proxy")
local C = proxy.C

jit.off(true, true)

describe("proxy/realm", function()
  local address = proxy.addr("192.0.2.1", 443)
  local world, realms, peers

  before_each(function()
    world, peers = net.new(), {}
    realms = ffi.new("struct realms")
    C.realms_init(realms, world.loop)
    realms.pool_size, realms.idle_timeout = 10, 60000
  end)

  after_each(function()
    C.realms_done(realms)
    for _, peer in ipairs(peers) do
      peer:close()
    end
    world:wait("everything to close", function() return world.loop.conns == 0 end)
    assert.equal(0, tonumber(world.loop.wheel.count))
    world:free()
  end)

  local function enter(policy, options)
    options = options or {}
    local out, why = ffi.new("struct realm *[1]"), ffi.new("char[256]")
    local err = C.realm_enter(realms, policy, options.serial or realms.serial,
      options.derived or false, out, why)
    assert(err == nil, ffi.string(why))
    return out[0]
  end

  local function leave(realm)
    C.realm_leave(realms, realm)
  end

  -- A configuration that names these policies.
  local function adopt(serial, ...)
    local s, why = C.snapshot_new(), ffi.new("char[256]")
    s.serial = serial
    s.settings.keepalive_pool_size, s.settings.keepalive_idle_timeout = 10, 60000
    C.snapshot_add_plan(s, ffi.new("struct plan", { upstream = -1 }))
    for i = 1, select("#", ...) do
      local plan = ffi.new("struct plan", { upstream = -1, tls = true, policy = (select(i, ...)) })
      C.snapshot_add_plan(s, plan)
    end
    assert(C.snapshot_seal(s, why) == nil, ffi.string(why))
    C.realms_adopt(realms, s)
    C.snapshot_unref(s)
  end

  -- One in which a plan has this policy for a target.
  local function adopt_target(serial, policy)
    local s, why = C.snapshot_new(), ffi.new("char[256]")
    s.serial = serial
    s.settings.keepalive_pool_size, s.settings.keepalive_idle_timeout = 10, 60000
    local targets = ffi.new("struct target_policy[1]")
    targets[0].host, targets[0].policy = proxy.str("t.test"), policy
    C.snapshot_add_plan(s, ffi.new("struct plan", {
      upstream = -1, tls = true, policy = tls.policy({}), targets = targets, target_count = 1,
    }))
    assert(C.snapshot_seal(s, why) == nil, ffi.string(why))
    C.realms_adopt(realms, s)
    C.snapshot_unref(s)
  end

  local function name(text)
    return text and tls.name(text) or ffi.new("struct peer_name")
  end

  -- Leaves an idle connection with a realm's peer; returns its other end.
  local function leave_idle(realm, text)
    local conn, far = world:connect()
    peers[#peers + 1] = far
    local peer = C.peer_enter(realms, realm, address, name(text), name(text))
    C.peer_give(C.peer_conn_new(realms, peer, conn))
    C.peer_leave(realms, peer)
    return far
  end

  local function take(realm, text)
    local peer = C.peer_enter(realms, realm, address, name(text), name(text))
    local pc = C.peer_take(peer)
    C.peer_leave(realms, peer)
    return pc ~= nil and pc or nil
  end

  local function take_and_close(realm, text)
    local pc = take(realm, text)
    assert.is_not_nil(pc)
    assert.is_true(pc.peer.realm == realm)
    C.peer_conn_close(pc)
  end

  -- One policy for each field of its description, different from the first in that field alone.
  local function variations()
    return {
      base = tls.policy({}),
      verify = tls.no_verify(),
      depth = tls.policy({ depth = 3 }),
      trust = tls.policy({ trust = tls.trust(pki.pem(pki.get("other_root"))) }),
      credential = tls.policy({ credential = tls.identity(pki.get("client")) }),
      min_version = tls.policy({ min_version = 0x0304 }),
      max_version = tls.policy({ max_version = 0x0303 }),
      resume = tls.policy({ resume = false }),
    }
  end

  it("is one for each policy", function()
    local a, b = tls.policy({ depth = 1 }), tls.policy({ depth = 1 })
    local one, two, plain = enter(a), enter(b), enter(nil)
    assert.is_true(one == two)
    assert.is_true(plain == realms.plain)
    assert.is_true(one ~= plain)
    assert.equal(2, one.users)
    leave(one)
    leave(two)
    leave(plain)
  end)

  it("shares nothing with one whose policy differs in any one field", function()
    local policies = variations()
    for given, policy in pairs(policies) do
      local realm = enter(policy)
      leave_idle(realm, "kong.example")
      for asked, other in pairs(policies) do
        if asked ~= given then
          local second = enter(other)
          local what = asked .. " after " .. given
          assert.is_true(second ~= realm, what)
          assert.is_true(second.tls ~= realm.tls, what)
          assert.is_nil(take(second, "kong.example"), what)
          leave(second)
        end
      end
      take_and_close(realm, "kong.example")
      leave(realm)
    end
  end)

  it("shares nothing with plain HTTP", function()
    local realm = enter(tls.policy({}))
    leave_idle(realm)
    leave_idle(realms.plain)
    assert.equal(2, tonumber(realms.idle))
    take_and_close(realm)
    assert.is_nil(take(realm))
    leave(realm)
  end)

  describe("when a configuration comes that", function()
    it("names its policy, stays warm", function()
      local policy = tls.policy({})
      adopt(1, policy)
      local realm = enter(policy)
      leave_idle(realm)
      leave(realm)
      adopt(2, policy)
      assert.is_true(enter(policy) == realm)
      take_and_close(realm)
      leave(realm)
    end)

    it("names it for a target only, stays warm as long as it does", function()
      local policy = tls.policy({ depth = 8 })
      adopt_target(1, policy)
      local realm = enter(policy)
      local far = leave_idle(realm)
      leave(realm)
      adopt_target(2, policy)
      assert.equal(1, tonumber(realms.idle))
      adopt_target(3, tls.policy({ depth = 9 }))
      assert.equal(0, tonumber(realms.idle))
      assert.equal("", (world:read_all(far)))
    end)

    it("does not name it, goes at once with its idle connections", function()
      local policy, other = tls.policy({}), tls.policy({ depth = 2 })
      adopt(1, policy, other)
      local realm = enter(policy)
      local far = leave_idle(realm)
      leave(realm)
      adopt(2, other)
      assert.equal(0, tonumber(realms.idle))
      assert.equal("", (world:read_all(far)))
    end)

    it("does not name it, finishes what is under way and keeps nothing of it", function()
      local policy = tls.policy({})
      adopt(1, policy)
      local realm = enter(policy)
      local peer = C.peer_enter(realms, realm, address, name(), name())
      local conn, far = world:connect()
      peers[#peers + 1] = far
      local pc = C.peer_conn_new(realms, peer, conn)
      adopt(2)
      assert.is_true(realm.retired)
      C.peer_give(pc)
      assert.equal(0, tonumber(realms.idle))
      assert.equal("", (world:read_all(far)))
      C.peer_leave(realms, peer)
      leave(realm)
    end)

    it("names it again later, is another one", function()
      local policy = tls.policy({})
      adopt(1, policy)
      local old = enter(policy)
      adopt(2)
      adopt(3, policy)
      local new = enter(policy)
      assert.is_true(new ~= old)
      assert.is_false(new.retired)
      leave(old)
      leave(new)
    end)

    it("leaves plain HTTP alone", function()
      leave_idle(realms.plain)
      adopt(1)
      adopt(2)
      take_and_close(realms.plain)
    end)
  end)

  it("of a request that began before the policy went is that request's alone", function()
    local policy = tls.policy({})
    adopt(1, policy)
    adopt(2)
    local one, two = enter(policy, { serial = 1 }), enter(policy, { serial = 1 })
    assert.is_true(one.retired and two.retired and one ~= two)
    leave_idle(one)
    assert.equal(0, tonumber(realms.idle))
    leave(one)
    leave(two)
  end)

  describe("of a plugin's choice", function()
    local policy

    before_each(function()
      policy = tls.policy({ depth = 7 })
      adopt(1)
    end)

    it("stays over new configurations", function()
      local realm = enter(policy, { derived = true })
      leave_idle(realm)
      leave(realm)
      adopt(2)
      assert.is_true(enter(policy, { derived = true }) == realm)
      assert.equal(1, tonumber(realms.idle))
      leave(realm)
    end)

    it("is the configuration's once that names it", function()
      local realm = enter(policy, { derived = true })
      leave_idle(realm)
      leave(realm)
      adopt(2, policy)
      assert.is_false(realm.derived)
      adopt(3)
      assert.equal(0, tonumber(realms.idle))
    end)

    it("is not the configuration's because of a request from before", function()
      local realm = enter(policy, { derived = true })
      leave(enter(policy, { serial = 0 }))
      assert.is_true(realm.derived)
      leave(enter(policy))
      assert.is_false(realm.derived)
      leave(realm)
    end)

    it("goes when nobody has used it for a while", function()
      leave(enter(policy, { derived = true }))
      world.loop.now = world.loop.now + C.REALM_UNUSED
      realms.sweep.fire(realms.sweep)
      assert.equal(1, tonumber(realms.table.count))
      world.loop.now = world.loop.now + 1
      realms.sweep.fire(realms.sweep)
      assert.equal(0, tonumber(realms.table.count))
    end)
  end)
end)
