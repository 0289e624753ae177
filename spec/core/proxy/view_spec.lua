-- Views: a configuration in force on one worker, as long as somebody uses it.

local ffi = require("ffi")
local pki = require("spec.fixtures.pki")
local tls = require("spec.support.tls")
local proxy = require("spec.support.proxy")
local C, str = proxy.C, proxy.str

jit.off(true, true)

describe("proxy/view", function()
  local world

  before_each(function()
    world = proxy.new()
  end)

  after_each(function()
    world:free()
  end)

  it("has a balancer for each upstream of its snapshot", function()
    world:configure({ targets = { 80, 81 } })
    local view = world.proxy.view
    assert.equal(1, view.snapshot.upstream_count)
    assert.is_true(view.balancers[0].upstream == view.snapshot.upstreams)
    assert.equal(1, view.pins)
  end)

  it("takes over the snapshot's reference and drops it with itself", function()
    local s = C.snapshot_ref(world:snapshot({}))
    local why = ffi.new("char[256]")
    assert.is_true(C.view_adopt(world.proxy, s, nil, world.gone, why) == nil)
    assert.equal(2, s.refs)
    world:configure({})
    assert.equal(1, world.views_gone)
    assert.equal(1, s.refs)
    C.snapshot_unref(s)
  end)

  it("stays as long as it is pinned", function()
    world:configure({})
    local view = world.proxy.view
    view.pins = view.pins + 1 -- as view_pin() does
    world:configure({})
    assert.is_true(world.proxy.view ~= view)
    assert.equal(0, world.views_gone)
    C.view_unpin(view)
    assert.equal(1, world.views_gone)
  end)

  it("gives the realms the settings of the configuration in force", function()
    world:configure({ settings = { keepalive_pool_size = 7, keepalive_max_requests = 8 } })
    assert.equal(7, world.proxy.realms.pool_size)
    assert.equal(8, world.proxy.realms.max_requests)
    assert.equal(world.serial, tonumber(world.proxy.realms.serial))
  end)

  it("has a TLS server only with a certificate", function()
    world:configure({})
    assert.is_true(world.proxy.view.tls == nil)
    local s = world:snapshot({})
    C.snapshot_add_certificate(s, str("*"), tls.identity(pki.get("leaf")))
    C.snapshot_add_certificate(s, str("kong.example"), tls.identity(pki.get("leaf")))
    local why = ffi.new("char[256]")
    assert.is_true(C.view_adopt(world.proxy, s, nil, world.gone, why) == nil)
    assert.is_true(world.proxy.view.tls ~= nil)
  end)

  it("lets nobody in over TLS without one", function()
    world:configure({})
    local pair = ffi.new("int[2]")
    ffi.C.socketpair(1, 0x801, 0, pair)
    C.client_accept(world.proxy, C.conn_from_fd(world.loop, pair[0]), true, false)
    assert.equal(0, #world:clients())
    assert.matches("no certificate for a TLS connection", world:log())
    ffi.C.close(pair[1])
  end)
end)
