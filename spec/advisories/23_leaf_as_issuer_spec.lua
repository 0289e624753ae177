-- OpenSSL CVE-2021-3450: asking for stricter checks undid the check that an issuer is a CA.

local advisory = require("spec.support.advisory")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")

local ext = forge.ext

describe("advisory 23, a leaf that issues:", function()
  local world

  setup(function()
    local listeners = {}
    for name, extensions in pairs({
      plain = { ext.san("dns", "thief.test") },
      not_ca = { ext.basic(false), ext.san("dns", "thief.test") },
      cert_sign = { ext.basic(false), ext.key_usage(ext.CERT_SIGN), ext.san("dns", "thief.test") },
      curve = { ext.san("dns", "thief.test") },
    }) do
      local thief = forge.certificate({ subject = "thief " .. name, issuer = advisory.root(),
        extensions = extensions, kind = name == "curve" and "P-384" or nil })
      local forged = forge.certificate({ subject = "forged", issuer = thief })
      listeners[name] = { tls = forge.identity({ forged, thief }) }
    end
    local v1 = forge.certificate({ subject = "old", issuer = advisory.root(), version = 1 })
    listeners.version1 = { tls = forge.identity({
      forge.certificate({ subject = "forged", issuer = v1 }), v1 }) }
    local services = {}
    for name in pairs(listeners) do
      services[name] = {}
      services[name .. "_trusting"] = { listener = name, fields = { tls_verify_depth = 1 } }
      services[name .. "_strict"] = { listener = name, plugins = {
        { name = "upstream-tls", config = { strict = true } } } }
    end
    world = advisory.world({ listeners = listeners, services = services })
  end)
  teardown(helpers.stop_all)

  for _, name in ipairs({ "plain", "not_ca", "cert_sign", "curve", "version1" }) do
    it("issues nothing, " .. name, function()
      world:refuses(name, nil, "code: not_a_ca")
      world:refuses(name .. "_trusting", nil, "code: not_a_ca")
      world:refuses(name .. "_strict")
    end)
  end
end)
