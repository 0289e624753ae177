-- Node CVE-2026-48931, Pingora 2f59535: bytes that came on an idle pooled connection were the
-- answer to the next request.

local advisory = require("spec.support.advisory")
local helpers = require("spec.helpers")

describe("advisory 7, an answer that nobody asked for:", function()
  local world

  setup(function()
    world = advisory.world({ listeners = { main = { tls = advisory.leaf() } } })
  end)
  teardown(helpers.stop_all)

  local function idle(count)
    helpers.eventually(function()
      return world.gateway:tls().connections_idle == count
    end, count .. " idle connections")
  end

  it("closes the idle connection", function()
    assert.equal("solicited", world:ask("main", nil, "/unsolicited").body)
    world.peer:wait("sent", 1)
    idle(0)
    for _ = 1, 3 do
      assert.not_matches("poisoned", world:ask("main").body)
    end
  end)

  it("closes the connection when it is glued to the one before", function()
    local first = world:ask("main", nil, "/glued")
    assert.not_matches("poisoned", first.body)
    for _ = 1, 3 do
      local next_one = world:ask("main")
      assert.equal(200, next_one.status)
      assert.not_matches("poisoned", next_one.body)
    end
  end)
end)
