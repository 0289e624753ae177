-- Envoy CVE-2022-21657: the extended key usage was not looked at, in leaves or CAs.

local advisory = require("spec.support.advisory")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")

local ext = forge.ext
local WRONG = { "clientAuth", "emailProtection", "codeSigning", "OCSPSigning", "any" }

describe("advisory 11, extended key usage:", function()
  local world

  setup(function()
    local listeners = {
      good = { tls = advisory.leaf({ more = { ext.eku("clientAuth", "serverAuth") } }) },
    }
    for _, purpose in ipairs(WRONG) do
      listeners["leaf_" .. purpose] = { tls = advisory.leaf({ more = { ext.eku(purpose) } }) }
      local ca = forge.certificate({ subject = "CA for " .. purpose, ca = true,
        issuer = advisory.root(), more = { ext.eku(purpose) } })
      local leaf = forge.certificate({ subject = "x", issuer = ca,
        more = { ext.eku("serverAuth") } })
      listeners["ca_" .. purpose] = { tls = forge.identity({ leaf, ca }) }
    end
    world = advisory.world({ listeners = listeners })
  end)
  teardown(helpers.stop_all)

  it("of a server is good", function()
    world:accepts("good")
  end)

  for _, purpose in ipairs(WRONG) do
    it(("of %s is not, in leaf or CA"):format(purpose), function()
      world:refuses("leaf_" .. purpose, nil, "(26:")
      world:refuses("ca_" .. purpose, nil, "(26:")
    end)
  end
end)
