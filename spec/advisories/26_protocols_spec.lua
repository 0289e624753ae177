-- OpenSSL CVE-2024-5535: odd lists of protocols. What the peer selects is one of those offered.

local advisory = require("spec.support.advisory")
local helpers = require("spec.helpers")

describe("advisory 26, the protocol that the peer selects:", function()
  local world

  setup(function()
    world = advisory.world({ listeners = {
      none = { tls = advisory.leaf() },
      ours = { tls = advisory.leaf(), alpn = { "h2", "http/1.1" } },
      other = { tls = advisory.leaf(), alpn = { "h2" } },
    } })
  end)
  teardown(helpers.stop_all)

  it("may be ours or none", function()
    world:accepts("none")
    world:accepts("ours")
  end)

  it("is none when it has another only: HTTP/1.1 is spoken, or nothing", function()
    local response = world:ask("other")
    assert.is_true(response.status == 200 or response.status == 502)
    assert.same({ "http/1.1" }, world:hello("other").alpn)
    for _, event in ipairs(world.peer:events("request", "other")) do
      assert.matches(" HTTP/1%.1\r\n", event.raw)
    end
  end)
end)
