-- Envoy CVE-2026-47778, HAProxy 6c85fb11b: a name with a NUL in it was cut where C strings end.

local advisory = require("spec.support.advisory")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")

local NAME = "up.example.com"
local CUT = NAME .. "\0.evil.test"

local LEAVES = {
  dns = { extensions = { forge.ext.san("dns", CUT) } },
  dns_end = { extensions = { forge.ext.san("dns", NAME .. "\0") } },
  dns_start = { extensions = { forge.ext.san("dns", "\0" .. NAME) } },
  wildcard = { extensions = { forge.ext.san("dns", "*.example.com\0.evil.test") } },
  uri = { extensions = { forge.ext.san("uri", CUT) } },
  email = { extensions = { forge.ext.san("email", CUT) } },
  cn = { subject = CUT, extensions = {} },
  cn_and_san = { subject = CUT, extensions = { forge.ext.san("dns", "evil.test") } },
}

describe("advisory 8, a NUL in a name:", function()
  local world

  setup(function()
    local listeners = { good = { tls = advisory.leaf({ dns = NAME }) } }
    for name, want in pairs(LEAVES) do
      listeners[name] = { tls = advisory.leaf(want) }
    end
    world = advisory.world({ listeners = listeners })
  end)
  teardown(helpers.stop_all)

  it("none, and the name is right", function()
    world:accepts("good", NAME)
  end)

  for name in pairs(LEAVES) do
    it("is another name, " .. name, function()
      world:refuses(name, NAME, 'does not match "' .. NAME .. '"')
    end)
  end

  it("is not asked for either", function()
    local response = world.gateway:exchange("GET /good HTTP/1.1\r\nHost: " .. NAME .. "\0x\r\n\r\n")
    assert.equal(400, response.status)
    response.raw:close()
  end)
end)
