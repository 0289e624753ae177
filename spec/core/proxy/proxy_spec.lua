-- What requests share: recycling, counters, and the end of it all.

local ffi = require("ffi")
local proxy = require("spec.support.proxy")
local C = proxy.C

jit.off(true, true)

local GET = proxy.GET

describe("proxy/proxy", function()
  local world

  before_each(function()
    world = proxy.new()
  end)

  it("uses request structs again, empty", function()
    world:configure({})
    local client = world:client()
    for _ = 1, 5 do
      client:send(GET)
      assert.equal(404, client:response().status)
      world:turn()
    end
    assert.equal(1, world.proxy.spare_count)
    local r = C.proxy_spare_request(world.proxy)
    assert.equal(0, world.proxy.spare_count)
    assert.equal(0, r.response.count)
    assert.is_true(r.view == nil)
    r.proxy, r.view = world.proxy, world.proxy.view
    r.view.pins = r.view.pins + 1 -- as a request has it
    C.proxy_recycle_request(r)
    assert.equal(1, world.proxy.spare_count)
    world:free()
  end)

  it("counts connections and requests", function()
    world:configure({})
    local one, two = world:client(), world:client()
    one:send(GET .. GET)
    one:response()
    one:response()
    two:close()
    world:wait("one to go", function() return world.proxy.counters.active == 1 end)
    assert.equal(2, tonumber(world.proxy.counters.accepted))
    assert.equal(2, tonumber(world.proxy.counters.requests))
    world:free()
  end)

  it("takes no connection before it has a configuration, nor while it drains", function()
    world:client():rest()
    world:configure({})
    C.proxy_drain(world.proxy)
    world:client():rest()
    assert.equal(0, tonumber(world.proxy.counters.accepted))
    world:free()
  end)

  it("can end in the middle of everything", function()
    local server = world:listen()
    world:configure({ targets = { server.port } })
    local clients = {}
    for i = 1, 4 do
      clients[i] = world:client()
    end
    clients[1]:send("GET / HT")
    clients[2]:send(GET)
    server:accept():request()
    clients[3]:send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123")
    local peer = server:accept()
    peer:expect("123$")
    peer:send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123")
    clients[3]:expect("123$")
    world:free()
    assert.matches('"GET / HTTP/1.1" 499 ', world:read_log("access"))
    assert.matches('"POST / HTTP/1.1" 200 3 ', world:read_log("access"))
  end)

  it("keeps few spare structs after a burst", function()
    world:configure({})
    local spares = {}
    for i = 1, 300 do
      local r = C.proxy_spare_request(world.proxy)
      r.proxy, r.view = world.proxy, world.proxy.view
      r.view.pins = r.view.pins + 1
      spares[i] = r
    end
    for _, r in ipairs(spares) do
      C.proxy_recycle_request(r)
    end
    assert.equal(256, world.proxy.spare_count)
    assert.is_true(ffi.sizeof("struct request") < 16384)
    world:free()
  end)
end)
