-- acl: whose groups count, who is let in, what the service is told.

local fake = require("spec.support.fake_abi").install()
require("spec.support.fake_core").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")
local plugin = require("spec.support.plugin")
local handler = require("kong.plugins.acl.handler")
local schema = require("kong.plugins.acl.schema")
local Schema = require("weir.schema")

local ANN = { id = "11111111-1111-4111-8111-111111111111" }
local BOB = { id = "22222222-2222-4222-8222-222222222222" }
local CREDENTIAL = { id = "33333333-3333-4333-8333-333333333333" }

local ENTITIES = ([[
consumers:
- {id: %s, username: ann, acls: [{group: users}, {group: admins}]}
- {id: %s, username: bob}
]]):format(ANN.id, BOB.id)

describe("acl", function()
  setup(function()
    fake.install()
    pdk.install({})
  end)
  before_each(function() plugin.begin(fake, "acl", ENTITIES) end)
  after_each(plugin.finish)

  -- Who: consumer, credential, shared and ctx (authenticated groups). Returns the status.
  local function run(config, who)
    current.release(1)
    fake.request = fake.new_request({ phase = "access", headers = {
      ["X-Consumer-Groups"] = "made up", ["X-Authenticated-Groups"] = "made up",
    } })
    local ctx = current.ctx("ngx")
    ctx.authenticated_consumer, ctx.authenticated_credential = who.consumer, who.credential
    ctx.authenticated_groups = who.ctx
    kong.ctx.shared.authenticated_groups = who.shared
    fake.run(handler.access, handler, assert(plugin.configure(schema, config)))
    local failure = fake.request.failure
    return failure and failure.status or 200, failure and failure.message
  end

  local function told()
    return fake.header("UPSTREAM", "X-Consumer-Groups")[1],
      fake.header("UPSTREAM", "X-Authenticated-Groups")[1]
  end

  local ann, bob = { consumer = ANN, credential = CREDENTIAL },
    { consumer = BOB, credential = CREDENTIAL }

  describe("with allow", function()
    it("lets those in that have one of the groups", function()
      assert.equal(200, run({ allow = { "admins", "others" } }, ann))
      assert.same({ "admins, users" }, { told() })
    end)

    it("keeps all others out", function()
      local message = "You cannot consume this service"
      assert.same({ 403, message }, { run({ allow = { "others", "ADMINS" } }, ann) })
      assert.same({ 403, message }, { run({ allow = { "admins" } }, bob) })
    end)
  end)

  describe("with deny", function()
    it("keeps those out that have one of the groups", function()
      assert.equal(403, (run({ deny = { "others", "users" } }, ann)))
    end)

    it("lets all others in", function()
      assert.equal(200, run({ deny = { "others" } }, ann))
      assert.equal(200, run({ deny = { "admins" } }, bob))
      assert.same({}, { told() })
    end)

    it("lets nobody in whom it does not know", function()
      assert.equal(401, (run({ deny = { "others" } }, {})))
      assert.matches("Cannot identify the consumer", fake.log[1].text)
    end)
  end)

  it("does not tell the service if told so", function()
    assert.equal(200, run({ allow = { "admins" }, hide_groups_header = true }, ann))
    assert.same({}, { told() })
    assert.equal(200, run({ allow = { "g" }, hide_groups_header = true }, { shared = { "g" } }))
    assert.same({}, { told() })
  end)

  it("keeps those out who have authenticated and are no consumer", function()
    for _, config in ipairs({ { allow = { "admins" } }, { deny = { "admins" } } }) do
      assert.same({ 403, "You cannot consume this service" },
        { run(config, { credential = CREDENTIAL }) })
    end
  end)

  describe("anonymous consumers", function()
    it("may have groups", function()
      assert.equal(200, run({ allow = { "admins" } }, { consumer = ANN }))
      assert.same({ "admins, users" }, { told() })
    end)

    it("are kept out by their groups", function()
      assert.equal(403, (run({ allow = { "others" } }, { consumer = ANN })))
      assert.equal(403, (run({ deny = { "users" } }, { consumer = ANN })))
    end)

    it("are asked to authenticate where they have none", function()
      assert.equal(401, (run({ allow = { "others" } }, { consumer = BOB })))
      assert.equal(200, (run({ deny = { "others" } }, { consumer = BOB })))
    end)
  end)

  describe("authenticated groups", function()
    it("count where there is no consumer", function()
      for _, place in ipairs({ "shared", "ctx" }) do
        assert.equal(200, run({ allow = { "g" } }, { [place] = { "f", "g" } }))
        assert.same({ nil, "f, g" }, { told() })
        assert.equal(403, (run({ allow = { "admins" } }, { [place] = { "f", "g" } })))
        assert.equal(403, (run({ deny = { "f" } }, { [place] = { "f", "g" } })))
      end
    end)

    it("count for anonymous consumers", function()
      assert.equal(403, (run({ allow = { "admins" } }, { consumer = ANN, shared = { "g" } })))
      assert.equal(403, (run({ allow = { "admins" } }, { shared = {} })))
      assert.equal(200, run({ allow = { "g" } }, { consumer = ANN, shared = { "g" } }))
    end)

    it("count for known consumers if told so", function()
      local both = { consumer = ANN, credential = CREDENTIAL, shared = { "g" } }
      assert.equal(200, run({ allow = { "admins" } }, both))
      assert.equal(403, (run({ allow = { "g" } }, both)))
      local always = { allow = { "g" }, always_use_authenticated_groups = true }
      assert.equal(200, run(always, both))
      assert.same({ nil, "g" }, { told() })
      always.allow = { "admins" }
      assert.equal(200, run(always, ann))
    end)

    it("are none when they are no list", function()
      assert.equal(401, (run({ deny = { "f" } }, { shared = "g" })))
      assert.matches("authenticated_groups should be a list, got a string", fake.log[1].text)
    end)
  end)

  it("answers 500 where groups cannot be found out", function()
    local real = kong.cache.get
    kong.cache.get = function() return nil, "out of order" end
    finally(function() kong.cache.get = real end)
    assert.equal(500, (run({ deny = { "others" } }, ann)))
    assert.matches("could not find out the groups: out of order", fake.log[1].text)
  end)

  describe("schema", function()
    local exactly_one = "exactly one of these fields must be non-empty: "
      .. "'config.allow', 'config.deny'"
    local cases = {
      { {}, exactly_one },
      { { allow = {} }, exactly_one },
      { { allow = { "a" }, deny = { "b" } }, exactly_one },
      { { allow = { "a" }, include_consumer_groups = true },
        "there are no consumer groups: give consumers groups in `acls`" },
    }
    for i, case in ipairs(cases) do
      it("refuses combination " .. i, function()
        local _, errors = assert(Schema.new(schema)):process({ config = case[1] })
        assert.equal(case[2], errors[1].message)
      end)
    end
  end)
end)
