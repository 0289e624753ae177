local forge = require "spec.support.forge"
local der = require "spec.support.der"
local tls = require "spec.support.tls"

local ext = forge.ext

local root = forge.certificate({ subject = "strict root", ca = true })
local inter = forge.certificate({ subject = "strict inter", ca = true, issuer = root })

local function leaf(want)
  want = want or {}
  want.subject, want.issuer = "strict leaf", want.issuer or inter
  want.extensions = want.extensions or { ext.san("dns", "kong.example"),
    ext.authority_key(want.issuer.key), ext.subject_key(forge.key("strict leaf")),
    ext.eku(unpack(want.eku or { "serverAuth" })) }
  return forge.certificate(want)
end

local function codes(chain)
  local pems = {}
  for i, certificate in ipairs(chain) do
    pems[i] = certificate.pem
  end
  local result = {}
  for i, strict in ipairs({ false, true }) do
    local policy = assert(tls.policy({ trust = assert(tls.trust(root.pem)), strict = strict }))
    result[i] = assert(tls.judge(policy, pems, "kong.example")).code
  end
  return result
end

describe("strict", function()
  it("accepts a chain that is in order", function()
    assert.same({ "ok", "ok" }, codes({ leaf(), inter }))
  end)

  for what, chain in pairs({
    ["a negative serial number"] = { leaf({ serial_der = "\2\1\129" }), inter },
    ["a serial number of nought"] = { leaf({ serial_der = "\2\1\0" }), inter },
    ["a serial number of 21 octets"] =
      { leaf({ serial_der = "\2\21" .. ("\1"):rep(21) }), inter },
    ["no purpose"] = { leaf({ extensions = { ext.san("dns", "kong.example"),
      ext.authority_key(inter.key) } }), inter },
    ["any purpose"] = { leaf({ eku = { "serverAuth", "any" } }), inter },
    ["a date in the long form before 2050"] = { leaf({ validity = der.sequence(
      "\24\15" .. os.date("!%Y%m%d%H%M%SZ", os.time() - 86400),
      "\24\15" .. os.date("!%Y%m%d%H%M%SZ", os.time() + 86400)) }), inter },
  }) do
    it("refuses " .. what, function()
      assert.same({ "ok", "not_compliant" }, codes(chain))
    end)
  end

  it("refuses a CA without key usage and key identifiers", function()
    local bare = forge.certificate({ subject = "strict bare", ca = true, issuer = root,
      extensions = { ext.basic(true) } })
    assert.same({ "ok", "not_compliant" }, codes({ leaf({ issuer = bare }), bare }))
  end)
end)
