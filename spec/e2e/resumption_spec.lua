-- A resumed connection shows no certificate. It is as good as the handshake that its session goes
-- back to only while nothing has changed by which that was judged. (Time is expiry_spec.lua's.)

local advisory = require("spec.support.advisory")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")
local mime = require("mime")

local root = advisory.root()
local leaf = forge.certificate({ subject = "resumable", issuer = root, dns = "kong.example" })
local other = forge.certificate({ subject = "other", issuer = root })

local function pin(certificate)
  return mime.b64(forge.digest("SHA2-256", certificate.der))
end

-- The configuration of upstream-tls that is edited: one that still accepts the upstream, and one
-- that does not.
local EDITS = {
  names = { { dns = { "kong.example", "b.example" } }, { dns = { "b.example" } }, "name_mismatch" },
  pins = { { cert = { pin(leaf), pin(other) } }, { cert = { pin(other) } }, "pin_mismatch" },
  crl = { { forge.crl({ issuer = root, revoked = { other } }) },
    { forge.crl({ issuer = root, revoked = { leaf } }) }, "revoked" },
  ocsp = { "soft", "hard", "ocsp_required" },
}

for listener, version in pairs({ v12 = "1.2", v13 = "1.3" }) do
  describe("a session of TLS " .. version, function()
    local world

    setup(function()
      world = advisory.world({
        listeners = { [listener] = { tls = forge.identity({ leaf }), version = version,
          close = true } },
      })
    end)
    teardown(helpers.stop_all)

    local function configure(edit)
      assert.is_true(world:reload({ [listener] = {
        plugins = { { name = "upstream-tls", config = edit } } } }))
    end

    local function is_resumed()
      world:accepts(listener)
      return world.peer:last("handshake", listener).reused
    end

    before_each(function()
      assert.is_true(world:reload())
      is_resumed()
      assert.is_true(is_resumed())
    end)

    for field, edit in pairs(EDITS) do
      it("does not pass over an edit of " .. field, function()
        configure({ [field] = edit[2] })
        world:refuses(listener, nil, "code: " .. edit[3])
      end)

      it(("made before an edit of %s is not offered again, one made after it is"):format(field),
        function()
          configure({ [field] = edit[1] })
          assert.is_false(is_resumed())
          assert.is_true(is_resumed())
        end)
    end

    it("is not offered for another name", function()
      world:refuses(listener, "elsewhere.example", "does not match")
      assert.is_true(is_resumed())
    end)
  end)
end
