-- Envoy CVE-2022-21656: a name in a SAN of another type was taken for a DNS name, and so escaped
-- name constraints.

local advisory = require("spec.support.advisory")
local der = require("spec.support.der")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")

local NAME = "up.example.com"
local ext = forge.ext

local SANS = {
  email = ext.san("email", NAME), mailbox = ext.san("email", "x@" .. NAME),
  uri = ext.san("uri", NAME), url = ext.san("uri", "https://" .. NAME),
  directory = ext.san("dir", forge.name(NAME)), registered = ext.san("any", der.implicit(8, NAME)),
  other = ext.san("any", der.explicit(0, der.oid("1.3.6.1.4.1.311.20.2.3"),
    der.explicit(0, der.utf8(NAME)))),
  ip = ext.san("ip", "up.e"),
}

describe("advisory 10, a name in a SAN of another type:", function()
  local world

  setup(function()
    local listeners = {}
    for name, san in pairs(SANS) do
      listeners[name] = { tls = advisory.leaf({ extensions = { san } }) }
    end
    local bound = forge.certificate({ subject = "bound", ca = true, issuer = advisory.root(),
      more = { ext.constraints({ permitted = { "dns", "inside.test" } }) } })
    for name, san in pairs({ bound_dns = ext.san("dns", NAME), bound_uri = ext.san("uri", NAME),
      bound_both = ext.san("dns", "a.inside.test", "email", NAME) }) do
      local leaf = forge.certificate({ subject = "x", issuer = bound, extensions = { san } })
      listeners[name] = { tls = forge.identity({ leaf, bound }) }
    end
    world = advisory.world({ listeners = listeners })
  end)
  teardown(helpers.stop_all)

  for name in pairs(SANS) do
    it("is no DNS name, " .. name, function()
      world:refuses(name, NAME, "does not match")
    end)
  end

  it("does not escape the constraints of its CA", function()
    world:refuses("bound_dns", NAME, "(47:")
    world:refuses("bound_uri", NAME, "does not match")
    world:refuses("bound_both", NAME, "does not match")
    world:accepts("bound_both", "a.inside.test")
  end)
end)
