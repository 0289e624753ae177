-- curl CVE-2024-0853: the session was kept although a check that came late had failed.

local advisory = require("spec.support.advisory")
local helpers = require("spec.helpers")

describe("advisory 4, a session after a failed check:", function()
  local world

  setup(function()
    local good = advisory.leaf()
    local bad = { advisory.leaf({ dns = "elsewhere.test" }), advisory.leaf({ to = -5 }) }
    local listeners = {}
    for i, identity in ipairs(bad) do
      for _, version in ipairs({ "1.2", "1.3" }) do
        listeners[("peer%d-%s"):format(i, version)] = {
          tls = good, version = version, close = true,
          script = {
            {}, { cert = identity.chain, key = identity.key }, {},
          },
        }
      end
    end
    listeners.always = { tls = bad[1], close = true, version = "1.2" }
    world = advisory.world({ listeners = listeners })
  end)
  teardown(helpers.stop_all)

  for _, name in ipairs({ "peer1-1.2", "peer1-1.3", "peer2-1.2", "peer2-1.3" }) do
    it("is gone, " .. name, function()
      local function offered()
        local hello = world:hello(name)
        return hello.psk or hello.ticket > 0
      end
      world:accepts(name)
      world:refuses(name)
      assert.is_true(offered())
      world:accepts(name)
      assert.is_false(offered())
    end)
  end

  it("is not made by a handshake whose certificate was refused", function()
    for _ = 1, 3 do
      world:refuses("always", nil, "does not match")
      assert.equal(0, world:hello("always").ticket)
    end
    assert.equal(0, world.gateway:tls().handshakes_resumed)
  end)
end)
