-- Envoy #46243, Node CVE-2026-48934, HAProxy 5702009c8: a session made for one host was offered
-- when another was asked for.

local advisory = require("spec.support.advisory")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")

describe("advisory 2, a session and another host:", function()
  local world

  setup(function()
    local both = advisory.leaf({ extensions = { forge.ext.san("dns", "a.test", "dns", "b.test") } })
    world = advisory.world({
      listeners = { main = { tls = both, close = true }, tls12 = { tls = both, close = true,
        version = "1.2" } },
      services = { main = {}, again = { listener = "main" }, tls12 = {} },
    })
  end)
  teardown(helpers.stop_all)

  local function warm(name, host)
    world:accepts(name, host)
    world:accepts(name, host)
    assert.is_true(world.peer:last("handshake").reused)
  end

  for _, name in ipairs({ "main", "tls12" }) do
    it("is not offered to it, " .. name, function()
      warm(name, "a.test")
      world:accepts(name, "b.test")
      local hello = world:hello()
      assert.equal("b.test", hello.sni)
      assert.is_false(hello.psk)
      assert.equal(0, hello.ticket)
      assert.is_false(world.peer:last("handshake").reused)
      warm(name, "b.test")
    end)
  end

  it("is shared by services with one policy, address and host only", function()
    warm("main", "a.test")
    world:accepts("again", "a.test")
    assert.is_true(world.peer:last("handshake").reused)
    world:refuses("again", "c.test", "does not match")
    assert.is_false(world:hello().psk)
  end)
end)
