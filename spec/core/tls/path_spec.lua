-- Paths that OpenSSL does not find by itself, and peers that try to make the search expensive.

local forge = require "spec.support.forge"
local der = require "spec.support.der"
local tls = require "spec.support.tls"

local function pems(list)
  local texts = {}
  for i, certificate in ipairs(list) do
    texts[i] = certificate.pem
  end
  return texts
end

local function judge(trusted, sent, want)
  want = want or {}
  want.trust = assert(tls.trust(unpack(pems(trusted))))
  return assert(tls.judge(assert(tls.policy(want)), pems(sent), "kong.example"))
end

-- An intermediate of the same name and key by another issuer.
local function inter_of(issuer, want)
  want = want or {}
  want.subject, want.key, want.ca, want.issuer = "path inter", "path inter", true, issuer
  return forge.certificate(want)
end

local root = forge.certificate({ subject = "path root", ca = true })
local other = forge.certificate({ subject = "path other", ca = true })
local inter = inter_of(root)
local leaf = forge.certificate({ subject = "path leaf", issuer = inter })

describe("path", function()
  it("takes the cross-signed intermediate that leads to the bundle", function()
    local cross = inter_of(other)
    assert.equal("ok", judge({ root }, { leaf, cross, inter }).code)
    assert.equal("ok", judge({ root }, { leaf, inter, cross }).code)
    assert.equal("CN=path root", judge({ root }, { leaf, cross, inter }).anchor)
    assert.equal("untrusted_issuer", judge({ root }, { leaf, cross }).code)
  end)

  it("passes over an expired copy of an intermediate or a root", function()
    local old = inter_of(root, { from = -9e6, to = -60 })
    assert.equal("ok", judge({ root }, { leaf, old, inter }).code)
    assert.equal("expired", judge({ root }, { leaf, old }).code)
    local old_root = forge.certificate({ subject = "path root", ca = true, from = -9e6, to = -60 })
    assert.equal("ok", judge({ root, old_root }, { leaf, inter }).code)
    assert.equal("expired", judge({ old_root }, { leaf, inter }).code)
  end)

  it("tries several issuers of one name", function()
    local namesakes = {}
    for i = 1, 5 do
      namesakes[i] = forge.certificate({ subject = "path root", key = "namesake " .. i, ca = true,
        extensions = { forge.ext.basic(true) } })
    end
    local plain = forge.certificate({ subject = "path inter", key = "path inter", ca = true,
      issuer = root, extensions = { forge.ext.basic(true) } })
    local under = forge.certificate({ subject = "path leaf", issuer = plain,
      extensions = { forge.ext.san("dns", "kong.example") } })
    namesakes[6] = root
    assert.equal("ok", judge(namesakes, { under, plain }).code)
    namesakes[6] = nil
    assert.not_equal("ok", judge(namesakes, { under, plain }).code)
  end)

  it("is not lost in a loop", function()
    local a = forge.certificate({ subject = "loop a", ca = true,
      issuer = forge.certificate({ subject = "loop b", ca = true }) })
    local b = forge.certificate({ subject = "loop b", ca = true, issuer = a })
    local under = forge.certificate({ subject = "loop leaf", issuer = a })
    assert.equal("untrusted_issuer", judge({ root }, { under, a, b }).code)
    local out = forge.certificate({ subject = "loop b", ca = true, issuer = root })
    assert.equal("ok", judge({ root }, { under, a, b, out }).code)
  end)

  it("obeys the rules of the policy on every path", function()
    local cross = inter_of(other)
    assert.equal("ok", judge({ root }, { leaf, cross, inter }, { depth = 1 }).code)
    assert.not_equal("ok", judge({ root }, { leaf, cross, inter }, { depth = 0 }).code)
    local narrow = inter_of(root, { more = { forge.ext.constraints({
      permitted = { "dns", "other.example" } }) } })
    assert.equal("name_constraint", judge({ root }, { leaf, narrow }).code)
    assert.equal("ok", judge({ root }, { leaf, narrow, inter }).code)
    assert.equal("name_mismatch", judge({ root }, { forge.certificate({ subject = "path leaf",
      issuer = inter, dns = "x.example" }), inter, cross }).code)
  end)

  it("ends at an intermediate only where the policy says so", function()
    assert.equal("untrusted_issuer", judge({ inter }, { leaf }).code)
    assert.equal("ok", judge({ inter }, { leaf }, { partial_chain = true }).code)
    assert.equal("ok", judge({ leaf }, { leaf }, { partial_chain = true }).code)
    assert.equal("untrusted_issuer", judge({ leaf }, { leaf }).code)
    assert.equal("ok", judge({ inter }, { leaf, inter_of(other) }, { partial_chain = true }).code)
  end)

  it("costs no more than its budget, whatever is sent", function()
    -- Six levels of six namesakes: 46,656 paths, of which none leads anywhere.
    local level, sent = { root }, {}
    local bare = { forge.ext.basic(true) }
    for depth = 1, 6 do
      local below = {}
      for i = 1, 6 do
        below[i] = forge.certificate({ subject = "maze " .. depth, key = "maze", ca = true,
          issuer_name = depth == 1 and "nobody" or nil, issuer = level[1], extensions = bare })
        table.insert(sent, 1, below[i])
      end
      level = below
    end
    local under = forge.certificate({ subject = "maze leaf", issuer = level[1],
      extensions = { forge.ext.san("dns", "kong.example") } })
    table.insert(sent, 1, under)
    local policy = assert(tls.policy({ trust = assert(tls.trust(root.pem)) }))
    local texts, before = pems(sent), os.clock()
    assert.equal("untrusted_issuer", tls.judge(policy, texts, "kong.example").code)
    assert.is_true(os.clock() - before < 0.2)
  end)

  -- A public key of RSA that nobody has the other half of.
  local function rsa(bits, exponent_bits)
    local function number(size, first)
      return der.element(2, "\0" .. first .. ("\255"):rep(size / 8 - 1))
    end
    return { kind = "rsa", spki = der.sequence(
      der.sequence(der.oid("1.2.840.113549.1.1.1"), der.null()),
      der.bits(der.sequence(number(bits, "\255"), number(exponent_bits, "\127")))) }
  end

  for what, slow in pairs({
    ["RSA with a long exponent"] = { rsa(3072, 3072), "rsa3072" },
    ["a curve of 571 bits"] = { forge.key("slow", "sect571r1"), "sect571r1" },
  }) do
    it("checks no signature with " .. what, function()
      local sent = { forge.certificate({ subject = "slow leaf", issuer_name = "slow inter",
        signer = forge.key("slow signer", slow[2]),
        extensions = { forge.ext.san("dns", "kong.example") } }) }
      for i = 2, 65 do
        sent[i] = forge.certificate({ subject = "slow inter", key = slow[1], issuer_name = "nobody",
          signer = forge.key("slow thief"), extensions = { forge.ext.basic(true) } })
      end
      local policy = assert(tls.policy({ trust = assert(tls.trust(root.pem)) }))
      local texts, before = pems(sent), os.clock()
      assert.equal("untrusted_issuer", tls.judge(policy, texts, "kong.example").code)
      assert.is_true(os.clock() - before < 0.1)
    end)
  end
end)
