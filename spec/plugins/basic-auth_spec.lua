-- basic-auth: which header fields are understood, whose they are, what the service sees.

local fake = require("spec.support.fake_abi").install()
require("spec.support.fake_core").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")
local plugin = require("spec.support.plugin")
local handler = require("kong.plugins.basic-auth.handler")
local password = require("kong.plugins.basic-auth.password")
local schema = require("kong.plugins.basic-auth.schema")

local ANN = "11111111-1111-4111-8111-111111111111"
local GUEST = "22222222-2222-4222-8222-222222222222"

local ENTITIES = ([[
consumers:
- {id: %s, username: ann, basicauth_credentials: [{username: ann, password: "se:cret"}]}
- {id: %s, username: guest}
]]):format(ANN, GUEST)

describe("basic-auth", function()
  setup(function()
    fake.install()
    pdk.install({})
  end)
  before_each(function() plugin.begin(fake, "basic-auth", ENTITIES) end)
  after_each(plugin.finish)

  local function basic(text, scheme)
    return (scheme or "Basic") .. " " .. ngx.encode_base64(text)
  end

  local GOOD = "Basic YW5uOnNlOmNyZXQ=" -- ann:se:cret

  -- Runs access; returns the answer, if there was one.
  local function run(config, headers)
    current.release(1)
    fake.request = fake.new_request({ phase = "access", headers = headers })
    fake.run(handler.access, handler, assert(plugin.configure(schema, config)))
    return fake.request.failure
  end

  local function upstream(name)
    return fake.header("UPSTREAM", name)[1]
  end

  it("keeps no password", function()
    local kept = kong.db.basicauth_credentials:select_by_username("ann").password
    assert.equal(password.hash("se:cret", ANN), kept)
    assert.matches("^%x+$", kept)
    assert.equal(40, #kept)
    assert.not_equal(kept, password.hash("se:cret", GUEST))
  end)

  it("takes hashes where the file has them", function()
    local hash = password.hash("other", ANN)
    plugin.use({ "basic-auth" }, ([[
_transform: false
consumers:
- {id: %s, username: ann, basicauth_credentials: [{username: ann, password: %s}]}
]]):format(ANN, hash))
    assert.is_nil(run({}, { Authorization = basic("ann:other") }))
    assert.equal(401, run({}, { Authorization = basic("ann:" .. hash) }).status)
  end)

  it("lets those pass who know the password, and tells the service", function()
    for _, value in ipairs({ GOOD, basic("ann:se:cret", "bASIC"), "Basic  " .. GOOD:sub(7) }) do
      assert.is_nil(run({}, { Authorization = value, ["X-Consumer-ID"] = GUEST }))
      assert.equal(ANN, kong.client.get_consumer().id)
      assert.equal("ann", kong.client.get_credential().username)
      assert.same({ ANN, "ann" }, { upstream("X-Consumer-ID"),
        upstream("X-Credential-Identifier") })
      assert.equal(value, upstream("Authorization"))
    end
  end)

  it("refuses all others, in the same words", function()
    local wrong = {
      basic("ann:wrong"), basic("ann:se"), basic("ann:"), basic("ann"), basic(":se:cret"),
      basic("bob:se:cret"), basic("ANN:se:cret"), "Basic ", "Basic !!!", "ann:se:cret",
      basic("ann:se:cret", "Bearer"), GOOD .. " x", basic("ann:" .. password.hash("se:cret", ANN)),
    }
    for i = 0, #wrong do
      local failure = run({}, { Authorization = wrong[i] })
      assert.same({ 401, "Unauthorized" }, { failure.status, failure.message })
      assert.same({ 'Basic realm="service"' }, fake.header("RESPONSE", "WWW-Authenticate"))
      assert.is_nil(kong.client.get_consumer())
    end
  end)

  it("tries Proxy-Authorization, too", function()
    assert.is_nil(run({}, { ["Proxy-Authorization"] = GOOD }))
    assert.is_nil(run({}, { ["Proxy-Authorization"] = basic("a:b"), Authorization = GOOD }))
  end)

  it("goes by the first name that somebody has", function()
    local failure = run({}, { ["Proxy-Authorization"] = basic("ann:x"), Authorization = GOOD })
    assert.same({ 401, "Unauthorized" }, { failure.status, failure.message })
  end)

  it("hides what it has understood, if told so", function()
    run({ hide_credentials = true }, { ["Proxy-Authorization"] = "Bearer t", Authorization = GOOD })
    assert.is_nil(upstream("Authorization"))
    assert.equal("Bearer t", upstream("Proxy-Authorization"))
  end)

  it("lets others pass as the anonymous consumer", function()
    local config = { anonymous = "guest", hide_credentials = true }
    assert.is_nil(run(config, { Authorization = basic("ann:wrong") }))
    assert.same({ GUEST, "true" }, { upstream("X-Consumer-ID"), upstream("X-Anonymous-Consumer") })
    assert.is_nil(upstream("Authorization"))
    assert.is_nil(run(config, { Authorization = GOOD }))
    assert.equal(ANN, upstream("X-Consumer-ID"))
    assert.equal(500, run({ anonymous = "eve" }, {}).status)
  end)

  it("answers 500 where credentials cannot be looked for", function()
    local real = kong.cache.get
    kong.cache.get = function() return nil, "out of order" end
    finally(function() kong.cache.get = real end)
    assert.equal(500, run({ anonymous = "guest" }, { Authorization = GOOD }).status)
    assert.matches("out of order", fake.log[1].text)
  end)
end)
