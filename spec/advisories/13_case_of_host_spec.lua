-- Node CVE-2026-48928: a name in other case selected another policy.

local advisory = require("spec.support.advisory")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")

describe("advisory 13, a host in capitals:", function()
  local world

  setup(function()
    local stranger = forge.certificate({ subject = "stranger", ca = true })
    world = advisory.world({
      listeners = { main = { tls = advisory.leaf({ issuer = stranger }) } },
      services = {
        strict = { listener = "main", paths = { "/x" }, route = { hosts = { "kong.example" } } },
        loose = { listener = "main", paths = { "/x" }, fields = { tls_verify = false } },
      },
    })
  end)
  teardown(helpers.stop_all)

  it("is the same route with the same policy", function()
    for _, host in ipairs({ "kong.example", "KONG.EXAMPLE", "Kong.Example.", "kong.example:80",
      "kONG.eXAMPLE:443" }) do
      local response = world:ask("x", host)
      assert.equal(502, response.status, host)
    end
    assert.equal(0, world.peer:count("request"))
    assert.equal(200, world:ask("x", "other.example").status)
  end)
end)
