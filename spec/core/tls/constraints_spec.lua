local forge = require "spec.support.forge"
local tls = require "spec.support.tls"

local ext = forge.ext

local root = forge.certificate({ subject = "nc root", ca = true })

local function judge(constraints, extensions, subject)
  local inter = forge.certificate({ subject = "nc inter", ca = true, issuer = root,
    more = constraints and { ext.constraints(constraints) } or nil })
  local leaf = forge.certificate({ subject = subject or "nc leaf", issuer = inter,
    extensions = extensions })
  local policy = assert(tls.policy({ trust = assert(tls.trust(root.pem)), verify_name = false }))
  return assert(tls.judge(policy, { leaf.pem, inter.pem })).code
end

describe("constraints", function()
  for _, row in ipairs({
    { "*.example.com", { excluded = { "dns", "secret.example.com" } }, "name_constraint" },
    { "*.Example.com", { excluded = { "dns", "SECRET.example.com" } }, "name_constraint" },
    { "*.example.com", { excluded = { "dns", ".secret.example.com" } }, "name_constraint" },
    { "*.example.com", { excluded = { "dns", "a.secret.example.com" } }, "ok" },
    { "*.example.com", { excluded = { "dns", "example.com" } }, "name_constraint" },
    { "*.example.com", { excluded = { "dns", "example.org" } }, "ok" },
    { "*.example.com", { excluded = { "dns", "badexample.com" } }, "ok" },
    { "a.example.com", { excluded = { "dns", "secret.example.com" } }, "ok" },
    { "*.example.com", { permitted = { "dns", "example.com" } }, "ok" },
    { "*.example.com", { permitted = { "dns", "a.example.com" } }, "name_constraint" },
  }) do
    local name, constraints, code = unpack(row)
    local kind = constraints.excluded and "excluded" or "permitted"
    it(("%s where %s is %s: %s"):format(name, constraints[kind][2], kind, code), function()
      assert.equal(code, judge(constraints, { ext.san("dns", name) }))
    end)
  end

  it("do not concern the common name", function()
    assert.equal("ok", judge({ excluded = { "dns", "cn.example" } },
      { ext.san("uri", "https://a.example/") }, "cn.example"))
  end)

  it("belong to CAs only", function()
    assert.equal("malformed", judge(nil, { ext.san("dns", "a.example"),
      ext.constraints({ permitted = { "dns", "a.example" } }) }))
  end)
end)
