-- OpenSSL CVE-2026-28388: a delta CRL without a number was the end of the process. Whatever a list
-- looks like, it revokes, it is refused at load, or the upstream is refused.

local advisory = require("spec.support.advisory")
local der = require("spec.support.der")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")

local ext = forge.ext
local DELTA = ext.raw("2.5.29.27", true, der.integer(1))

describe("advisory 25, a revocation list", function()
  local root = advisory.root()
  local leaf = forge.certificate({ subject = "revocable", issuer = root })
  local stranger = forge.certificate({ subject = "stranger", ca = true })
  local world

  -- Puts the list into force; whether the configuration was taken.
  local function use(list)
    return (world:reload({ main = { plugins = {
      { name = "upstream-tls", config = { crl = { list } } } } } }))
  end

  setup(function()
    local listeners = { main = { tls = forge.identity({ leaf }), close = true } }
    world = advisory.world({ listeners = listeners })
  end)
  teardown(helpers.stop_all)
  after_each(function()
    assert.is_true(world:reload())
    world:accepts("main")
  end)

  it("that does not name the certificate lets it pass", function()
    assert.is_true(use(forge.crl({ issuer = root, revoked = { stranger } })))
    world:accepts("main")
  end)

  it("that names it revokes it, also for a session from before", function()
    world:accepts("main")
    assert.is_true(use(forge.crl({ issuer = root, revoked = { leaf } })))
    world:refuses("main", nil, "code: revoked")
  end)

  for name, want in pairs({
    ["is a delta without a number"] = { number = false, extensions = { DELTA } },
    ["is a delta"] = { number = 2, extensions = { DELTA } },
    ["is over"] = { from = -1000, to = -5 },
    ["has not begun"] = { from = 1000, to = 2000 },
    ["has an unknown critical extension"] = { extensions = {
      ext.raw("1.2.3.4", true, der.null()) } },
    ["was signed by somebody else"] = { broken = true },
    ["is somebody else's"] = { issuer = stranger },
  }) do
    it(("that %s lets nobody pass"):format(name), function()
      local pid = world.gateway:worker_pid()
      want.issuer = want.issuer or root
      if use(forge.crl(want)) then
        world:refuses("main")
      end
      assert.equal(pid, world.gateway:worker_pid())
    end)
  end

  for name, text in pairs({
    ["no DER"] = forge.pem("X509 CRL", "nothing"),
    ["cut off"] = forge.crl({ issuer = root }):sub(1, 80),
    ["a certificate"] = root.pem, ["no PEM"] = "nothing", ["empty"] = "",
  }) do
    it(("that is %s is refused at load"):format(name), function()
      assert.is_false(use(text))
    end)
  end
end)
