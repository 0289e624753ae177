-- kong.client: who is authenticated.

local fake = require("spec.support.fake_abi").install()
local current = require("weir.pdk.current")
local pdk = require("weir.pdk")

local ANN = { id = "b6c1f8a2-9f2e-4b0a-8d5c-0c4f9d1f3a10", username = "ann" }

describe("kong.client", function()
  local client

  local function enter(phase)
    fake.request = fake.new_request({ phase = phase })
    current.slot = 1
  end

  before_each(function()
    fake.install()
    client = pdk.install({ trusted_ips = {} }).client
    current.generation = {
      entities = { consumers = { [ANN.id] = ANN } }, settings = { plugins = {} }, loaded_at = 7,
    }
    enter("access")
  end)
  after_each(function()
    current.release(1)
    current.slot, current.generation = 0, nil
  end)

  it("keeps consumer and credential for the phases to come", function()
    assert.is_nil(client.get_consumer())
    assert.is_nil(client.get_credential())
    local credential = { key = "k" }
    client.authenticate(ANN, credential)
    enter("log")
    assert.equal(ANN, client.get_consumer())
    assert.equal(credential, client.get_credential())
    assert.equal(ANN, ngx.ctx.authenticated_consumer)
    assert.equal(credential, ngx.ctx.authenticated_credential)
  end)

  it("forgets the one who was authenticated before", function()
    client.authenticate(ANN, { key = "k" })
    client.authenticate(nil, { key = "l" })
    assert.is_nil(client.get_consumer())
    assert.equal("l", client.get_credential().key)
  end)

  local MISTAKES = {
    ["either credential or consumer must be provided"] = {},
    ["consumer must be a table or nil"] = { "ann", {} },
    ["credential must be a table or nil"] = { {}, "key" },
  }
  for text, arguments in pairs(MISTAKES) do
    it("refuses to authenticate: " .. text, function()
      assert.error_matches(function()
        client.authenticate(arguments[1], arguments[2])
      end, text, 1, true)
      assert.is_nil(client.get_consumer())
    end)
  end

  it("authenticates in access only, and tells who it is from then on", function()
    enter("header_filter")
    assert.error_matches(function() client.authenticate(ANN) end,
      "function cannot be called in header_filter phase (only in: access)", 1, true)
    enter("rewrite")
    for _, name in ipairs({ "get_consumer", "get_credential", "load_consumer" }) do
      assert.error_matches(function() client[name](ANN.id) end, "function cannot be called in "
        .. "rewrite phase (only in: access, response, header_filter, body_filter, log)", 1, true)
    end
  end)

  it("loads consumers by id, and by name if asked to", function()
    local ann = { id = ANN.id, username = "ann", created_at = 7, updated_at = 7 }
    assert.same(ann, client.load_consumer(ANN.id))
    assert.same(ann, client.load_consumer(ANN.id, true))
    assert.same(ann, client.load_consumer("ann", true))
    assert.is_nil(client.load_consumer("eve", true))
    assert.is_nil(client.load_consumer("b6c1f8a2-9f2e-4b0a-8d5c-0c4f9d1f3a11"))
    assert.error_matches(function() client.load_consumer("ann") end,
      "cannot load a consumer with an id that is not a uuid", 1, true)
    assert.error_matches(function() client.load_consumer() end, "consumer_id must be a string", 1,
      true)
  end)

  it("knows no consumers where the configuration has none", function()
    current.generation.entities.consumers = {}
    assert.is_nil(client.load_consumer(ANN.id))
    assert.is_nil(client.load_consumer("ann", true))
  end)
end)
