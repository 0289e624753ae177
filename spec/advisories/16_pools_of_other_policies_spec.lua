-- Kong 3.10.0.13, APISIX #13587, curl CVE-2016-5419, -5420, -7141, CVE-2021-22924, CVE-2022-27782
-- (18): a connection made with the credentials or the settings of one was used for another.

local advisory = require("spec.support.advisory")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")

local CLIENT, CLIENT_TWO = advisory.client(11, "client one"), advisory.client(12, "client two")

local VARIANTS = {
  base = {}, again = {}, off = { tls_verify = false }, depth = { tls_verify_depth = 7 },
  cas = { ca_certificates = { advisory.id(1), advisory.id(2) } },
  client = { client_certificate = CLIENT.id }, client_two = { client_certificate = CLIENT_TWO.id },
  client_off = { client_certificate = CLIENT.id, tls_verify = false },
}

describe("advisories 16 and 18, pooled connections of another policy:", function()
  local world

  setup(function()
    local ca = helpers.write(helpers.directory() .. "/ca.pem", advisory.root().pem)
    local services = {}
    for name, fields in pairs(VARIANTS) do
      services[name] = { listener = "main", fields = fields }
    end
    world = advisory.world({
      listeners = { main = { tls = advisory.leaf(), client_ca = ca } },
      services = services,
      cas = { advisory.root(), forge.certificate({ subject = "another root", ca = true }) },
      certificates = { CLIENT, CLIENT_TWO },
    })
  end)
  teardown(helpers.stop_all)

  it("are never used", function()
    local owner = {}
    for _ = 1, 3 do
      for name in pairs(VARIANTS) do
        local conn = world:accepts(name).conn
        local policy = name == "again" and "base" or name
        assert.equal(policy, owner[conn] or policy)
        owner[conn] = policy
      end
    end
    local kinds = {}
    for _, name in pairs(owner) do
      kinds[name] = true
    end
    local count = 0
    for _ in pairs(kinds) do
      count = count + 1
    end
    assert.equal(7, count)
  end)

  local function client_of(name)
    local conn = world:accepts(name).conn
    for _, event in ipairs(world.peer:events("handshake")) do
      if event.conn == conn then
        return type(event.client) == "string" and event.client or "nobody", conn
      end
    end
  end

  it("are gone when the client certificate is replaced or removed", function()
    local subject, first = client_of("client")
    assert.equal("client one", subject)
    assert.is_true(world:reload({ client = { fields = { client_certificate = CLIENT_TWO.id } } }))
    assert.equal("client two", (client_of("client")))
    local changed = advisory.client(11, "client one, renewed")
    world.certificates = { changed, CLIENT_TWO }
    assert.is_true(world:reload())
    assert.equal("client one, renewed", (client_of("client")))
    assert.equal("nobody", (client_of("base")))
    local _, last = client_of("client")
    assert.not_equal(first, last)
  end)
end)
