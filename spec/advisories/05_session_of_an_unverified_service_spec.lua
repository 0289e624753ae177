-- What all four libraries of the field do: a session that was filled while nobody verified is taken
-- by a service that does verify.

local advisory = require("spec.support.advisory")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")

describe("advisory 5, a session made without verification:", function()
  local world

  setup(function()
    local stranger = forge.certificate({ subject = "stranger", ca = true })
    local leaf = advisory.leaf({ issuer = stranger })
    local listeners, services = {}, {}
    for _, version in ipairs({ "1.2", "1.3" }) do
      listeners["peer" .. version] = { tls = leaf, version = version, close = true }
      services["off" .. version] = { listener = "peer" .. version, fields = {
        tls_verify = false } }
      services["on" .. version] = { listener = "peer" .. version }
    end
    world = advisory.world({ listeners = listeners, services = services })
  end)
  teardown(helpers.stop_all)

  for _, version in ipairs({ "1.2", "1.3" }) do
    it("never serves a verified service, TLS " .. version, function()
      local peer = "peer" .. version
      world:accepts("off" .. version)
      world:accepts("off" .. version)
      assert.is_true(world.peer:last("handshake", peer).reused)
      for _ = 1, 2 do
        world:refuses("on" .. version, nil, "(20:")
        assert.is_false(world:hello(peer).psk)
        assert.equal(0, world:hello(peer).ticket)
      end
    end)

    it("nor the same service once it verifies, TLS " .. version, function()
      world:accepts("off" .. version)
      assert.is_true(world:reload({ ["off" .. version] = { fields = { tls_verify = true } } }))
      world:refuses("off" .. version, nil, "(20:")
      assert.is_false(world:hello("peer" .. version).psk)
      assert.is_true(world:reload())
    end)
  end
end)
