local forge = require "spec.support.forge"
local tls = require "spec.support.tls"

local root = forge.certificate({ subject = "offline root", ca = true })
local inter = forge.certificate({ subject = "offline inter", ca = true, issuer = root })
local leaf = forge.certificate({ subject = "offline leaf", issuer = inter })

local function policy(want)
  want = want or {}
  want.trust = assert(tls.trust(root.pem))
  return assert(tls.policy(want))
end

describe("offline", function()
  it("judges texts, together or one by one, and describes the leaf", function()
    for _, texts in ipairs({ { leaf.pem, inter.pem }, { leaf.pem .. inter.pem } }) do
      local verdict = assert(tls.judge(policy(), texts, "kong.example"))
      assert.same({ "ok", 0, "CN=offline leaf", "CN=offline inter", "CN=offline root",
        "DNS:kong.example", "DNS:kong.example" }, { verdict.code, verdict.openssl, verdict.subject,
        verdict.issuer, verdict.anchor, verdict.seen, verdict.wanted })
    end
  end)

  it("looks for no name where none is given", function()
    assert.equal("ok", tls.judge(policy(), { leaf.pem, inter.pem }).code)
  end)

  it("judges as of any time", function()
    local now = os.time()
    local function at(time)
      return tls.judge(policy(), { leaf.pem, inter.pem }, "kong.example", time).code
    end
    assert.equal("ok", at(now))
    assert.equal("expired", at(now + 31 * 86400))
    assert.equal("not_yet_valid", at(now - 2 * 86400))
  end)

  it("fails on what is no certificate", function()
    for _, texts in ipairs({ {}, { "" }, { leaf.pem, "no PEM" },
      { forge.pem("CERTIFICATE", leaf.der:sub(1, 40)) } }) do
      local verdict, why = tls.judge(policy(), texts)
      assert.is_nil(verdict)
      assert.is_true(#why > 0)
    end
  end)

  it("says nothing of what the policy does not verify", function()
    assert.equal("unverified", tls.judge(assert(tls.no_verify({})), { leaf.pem }).code)
  end)
end)
