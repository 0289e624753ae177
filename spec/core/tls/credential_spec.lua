local tls = require "spec.support.tls"
local pki = require "spec.fixtures.pki"
local workspace = require "spec.support.workspace"
local ffi = require "ffi"

local function openssl(...)
  local result = workspace.run({ "openssl", ... })
  assert(result.code == 0, result.stderr)
  return result.stdout
end

describe("credential", function()
  local leaf, chain, key

  setup(function()
    local identity = pki.get("leaf")
    leaf, chain, key = pki.pem(identity), pki.text(identity.chain), pki.text(identity.key)
  end)

  it("is one object for the same chain and key", function()
    local a, b = assert(tls.credential(chain, key)), assert(tls.credential("text\n" .. chain, "\n"
      .. key))
    assert.equal(ffi.cast("void *", a), ffi.cast("void *", b))
    assert.is_true(ffi.cast("void *", a) ~= ffi.cast("void *", (assert(tls.credential(leaf, key)))))
    assert.is_true(a.not_after > os.time())
  end)

  it("takes keys as openssl writes them", function()
    local parameters = openssl("ecparam", "-name", "prime256v1")
    assert(tls.credential(chain, parameters .. key))
    assert(tls.credential(chain, openssl("pkcs8", "-topk8", "-nocrypt", "-in",
      pki.get("leaf").key)))
    local guide = pki.guide().leaf
    assert(tls.credential(pki.text(guide.chain), pki.text(guide.key)))
  end)

  it("refuses a key of another certificate, in Kong's words", function()
    local credential, why = tls.credential(chain, pki.text(pki.get("wrong_name").key))
    assert.is_nil(credential)
    assert.equal("certificate does not match key", why)
    -- The chain the wrong way round has the issuer's certificate in front.
    local _, reason = tls.credential(pki.pem(pki.get("inter")) .. leaf, key)
    assert.equal("certificate does not match key", reason)
  end)

  it("refuses what does not parse, and encrypted keys without asking for a passphrase", function()
    assert.matches("^invalid certificate: no certificate in it", select(2, tls.credential("", key)))
    assert.matches("^invalid certificate: block 1", select(2, tls.credential(key, key)))
    assert.matches("^invalid key", select(2, tls.credential(chain, "")))
    assert.matches("^invalid key", select(2, tls.credential(chain, leaf)))
    local encrypted = openssl("pkcs8", "-topk8", "-in", pki.get("leaf").key, "-passout",
      "pass:secret")
    assert.matches("^invalid key", select(2, tls.credential(chain, encrypted)))
  end)
end)
