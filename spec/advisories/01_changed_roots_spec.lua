-- Go CVE-2025-68121: a session that was made under one set of roots was resumed under another.

local advisory = require("spec.support.advisory")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")

describe("advisory 1, resumption after the roots have changed:", function()
  local world

  setup(function()
    world = advisory.world({
      listeners = {
        tls12 = { tls = advisory.leaf(), version = "1.2", close = true },
        tls13 = { tls = advisory.leaf(), version = "1.3", close = true },
      },
      cas = { advisory.root(), forge.certificate({ subject = "another root", ca = true }) },
    })
  end)
  teardown(helpers.stop_all)

  for _, name in ipairs({ "tls12", "tls13" }) do
    it("a full handshake, which fails, " .. name, function()
      world:accepts(name)
      world:accepts(name)
      assert.is_true(world.peer:last("handshake", name).reused)

      local changed = { fields = { ca_certificates = { advisory.id(2) } } }
      assert.is_true(world:reload({ [name] = changed }))
      world:refuses(name, nil, "(20:")
      local hello = world:hello(name)
      assert.is_false(hello.psk)
      assert.equal(0, hello.ticket)

      assert.is_true(world:reload())
      world:accepts(name)
    end)
  end
end)
