-- key-auth: where keys are found, whose they are, what the service sees, what others are told.

local fake = require("spec.support.fake_abi").install()
require("spec.support.fake_core").install()
local abi = require("weir.abi")
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")
local plugin = require("spec.support.plugin")
local handler = require("kong.plugins.key-auth.handler")
local schema = require("kong.plugins.key-auth.schema")

local ANN = "11111111-1111-4111-8111-111111111111"
local BOB = "22222222-2222-4222-8222-222222222222"
local ANN_KEY = "33333333-3333-4333-8333-333333333333"

local ENTITIES = ([[
consumers:
- {id: %s, username: ann, custom_id: a7, keyauth_credentials: [{id: %s, key: secret}]}
- {id: %s, username: bob, keyauth_credentials: [{key: short, ttl: 10}]}
]]):format(ANN, ANN_KEY, BOB)

local FORM, JSON = "application/x-www-form-urlencoded", "application/json"

describe("key-auth", function()
  local now = abi.C.weir_time_ms

  setup(function()
    fake.install()
    pdk.install({})
  end)
  before_each(function() plugin.begin(fake, "key-auth", ENTITIES) end)
  after_each(function()
    plugin.finish()
    abi.C.weir_time_ms = now
  end)

  -- Runs access; returns the answer, if there was one.
  local function run(config, want)
    current.release(1)
    local conf = assert(plugin.configure(schema, config))
    local texts = { REQUEST_METHOD = want.method or "GET", REQUEST_QUERY = want.query,
      SERVICE_QUERY_OUT = want.query }
    fake.request = fake.new_request({ phase = "access", texts = texts, headers = want.headers,
      body = want.body })
    current.ctx("ngx").authenticated_credential = want.credential
    fake.run(handler.access, handler, conf)
    return fake.request.failure
  end

  local function upstream(name)
    return fake.header("UPSTREAM", name)[1]
  end

  local function refused(status, message, ...)
    local failure = run(...)
    assert.is_table(failure)
    assert.same({ status, message }, { failure.status, failure.message })
    assert.equal(status == 401 and "Key" or nil, fake.header("RESPONSE", "WWW-Authenticate")[1])
    assert.is_nil(kong.client.get_consumer())
  end

  local function accepted(...)
    assert.is_nil(run(...))
    assert.equal(ANN, kong.client.get_consumer().id)
    assert.equal(ANN_KEY, kong.client.get_credential().id)
  end

  describe("finds keys", function()
    it("in headers, however they are written", function()
      accepted({}, { headers = { apikey = "secret" } })
      accepted({ key_names = { "X-Key", "api_key" } }, { headers = { ["Api-Key"] = "secret" } })
    end)

    it("in the query", function()
      accepted({}, { query = "a=1&apikey=secret" })
      accepted({}, { query = "a=1&api%6Bey=secre%74" })
    end)

    it("in the body, if allowed to", function()
      local form = { headers = { ["Content-Type"] = FORM }, body = "a=1&apikey=secret" }
      local json = { headers = { ["Content-Type"] = JSON }, body = '{"apikey":"secret"}' }
      for _, want in ipairs({ form, json }) do
        accepted({ key_in_body = true }, want)
        refused(401, "No API key found in request", {}, want)
      end
    end)

    it("only where they may be", function()
      local message = "No API key found in request"
      refused(401, message, { key_in_header = false }, { headers = { apikey = "secret" } })
      refused(401, message, { key_in_query = false }, { query = "apikey=secret" })
      refused(401, message, { key_names = { "other" } }, { query = "apikey=secret" })
    end)

    it("in headers first, then in the query, then in the body", function()
      local config = { key_in_body = true }
      local headers = { apikey = "secret", ["Content-Type"] = "text/plain" }
      accepted(config, { headers = headers, query = "apikey=wrong", body = "not read" })
      accepted(config, { query = "apikey=secret",
        headers = { ["Content-Type"] = FORM }, body = "apikey=wrong" })
    end)

    it("by the first name in all places before the second", function()
      local config = { key_names = { "apikey", "other" }, key_in_body = true }
      accepted(config, { headers = { other = "wrong" }, query = "apikey=secret" })
      accepted(config, { headers = { other = "wrong", ["Content-Type"] = FORM },
        body = "apikey=secret" })
      refused(401, "Unauthorized", config, { headers = { other = "secret" },
        query = "apikey=wrong" })
    end)
  end)

  describe("refuses", function()
    it("requests without a key", function()
      for _, query in ipairs({ "", "apikey", "apikey=", "apikey[]=secret", "APIKEY=secret" }) do
        refused(401, "No API key found in request", {}, { query = query })
      end
      refused(401, "No API key found in request", {},
        { headers = { apikey = "" }, query = "apikey=secret" })
      refused(401, "No API key found in request", { key_in_body = true }, {})
      refused(401, "No API key found in request", { key_in_body = true },
        { headers = { ["Content-Type"] = JSON }, body = '{"apikey":7}' })
    end)

    it("keys that nobody has", function()
      refused(401, "Unauthorized", {}, { query = "apikey=wrong" })
      refused(401, "Unauthorized", {}, { query = "apikey=SECRET" })
    end)

    it("several keys in one place", function()
      local message = "Duplicate API key found"
      refused(401, message, {}, { query = "apikey=secret&apikey=secret" })
      refused(401, message, {}, { headers = { apikey = { "secret", "secret" } } })
      refused(401, message, { key_in_body = true },
        { headers = { ["Content-Type"] = JSON }, body = '{"apikey":["secret"]}' })
    end)

    it("bodies that cannot be read as those without a key", function()
      for content_type, body in pairs({ ["text/plain"] = "apikey=secret", [JSON] = '"secret"' }) do
        local want = { headers = { ["Content-Type"] = content_type }, body = body }
        refused(401, "No API key found in request", { key_in_body = true }, want)
        want.headers.other = "secret"
        accepted({ key_in_body = true, key_names = { "apikey", "other" } }, want)
      end
    end)

    it("and names the realm", function()
      run({ realm = 'a "b"' }, {})
      assert.same({ 'Key realm="a \\"b\\""' }, fake.header("RESPONSE", "WWW-Authenticate"))
    end)

    it("keys whose time is over, though they were used before", function()
      local want = { query = "apikey=short" }
      assert.is_nil(run({}, want))
      abi.C.weir_time_ms = function() return now() + 9000 end
      assert.is_nil(run({}, want))
      abi.C.weir_time_ms = function() return now() + 11000 end
      refused(401, "Unauthorized", {}, want)
    end)

    it("everybody with 500 where the key cannot be looked for", function()
      local real = kong.cache.get
      kong.cache.get = function() return nil, "out of order" end
      finally(function() kong.cache.get = real end)
      refused(500, "An unexpected error occurred", { anonymous = "bob" },
        { query = "apikey=secret" })
      assert.matches("out of order", fake.log[1].text)
    end)
  end)

  describe("tells the service", function()
    it("who it is", function()
      run({}, { headers = { apikey = "secret", ["X-Anonymous-Consumer"] = "true" } })
      assert.same({ ANN, "ann", "a7", ANN_KEY }, { upstream("X-Consumer-ID"),
        upstream("X-Consumer-Username"), upstream("X-Consumer-Custom-ID"),
        upstream("X-Credential-Identifier") })
      assert.is_nil(upstream("X-Anonymous-Consumer"))
      assert.equal("secret", upstream("apikey"))
    end)

    it("nothing that clients make up", function()
      run({}, { query = "apikey=short", headers = { ["X-Consumer-Custom-ID"] = "a7" } })
      assert.equal("bob", upstream("X-Consumer-Username"))
      assert.is_nil(upstream("X-Consumer-Custom-ID"))
    end)

    it("no key, if told so", function()
      run({ hide_credentials = true, key_in_body = true },
        { query = "apikey=other&a=%41", headers = { ["Content-Type"] = JSON, apikey = "secret" },
          body = '{"apikey":"x","b":1}' })
      assert.is_nil(fake.request.failure)
      assert.is_nil(upstream("apikey"))
      assert.equal("a=%41", fake.request.service.query)
      assert.equal('{"b":1}', fake.request.service.body)
    end)

    it("no key in a header, however that is written", function()
      for _, name in ipairs({ "api_key", "api-key", "Api_Key", "API-Key" }) do
        run({ hide_credentials = true, key_names = { "api_key" } },
          { headers = { [name] = "secret", ["X-Api_key"] = "other" } })
        assert.equal(ANN, kong.client.get_consumer().id)
        assert.same({ nil, nil, "other" },
          { upstream("api-key"), upstream("api_key"), upstream("X-Api_key") })
      end
    end)

    it("what it does not hide just as it came", function()
      run({ hide_credentials = true, key_in_body = true },
        { query = "apikey=secret", headers = { ["Content-Type"] = JSON }, body = '{ "b": 1 }' })
      assert.is_nil(fake.request.service.body)
      run({ hide_credentials = true, key_in_query = false },
        { query = "apikey=other", headers = { apikey = "secret" } })
      assert.is_nil(fake.request.service.query)
    end)
  end)

  describe("with anonymous", function()
    for _, name in ipairs({ BOB, "bob" }) do
      it("lets others pass as " .. name, function()
        for _, query in ipairs({ "", "apikey=wrong", "apikey=1&apikey=2" }) do
          assert.is_nil(run({ anonymous = name, hide_credentials = true }, { query = query,
            headers = { ["X-Credential-Identifier"] = "made up" } }))
          assert.equal(BOB, kong.client.get_consumer().id)
          assert.is_nil(kong.client.get_credential())
          assert.same({ BOB, "true" }, { upstream("X-Consumer-ID"),
            upstream("X-Anonymous-Consumer") })
          assert.is_nil(upstream("X-Credential-Identifier"))
          assert.equal(query ~= "" and "" or nil, fake.request.service.query)
        end
      end)
    end

    it("takes a good key all the same", function()
      accepted({ anonymous = "bob" }, { query = "apikey=secret" })
    end)

    it("has nothing to do where another plugin has authenticated", function()
      assert.is_nil(run({ anonymous = "bob" }, { credential = { id = "c" } }))
      assert.is_nil(kong.client.get_consumer())
      refused(401, "No API key found in request", {}, { credential = { id = "c" } })
    end)

    it("answers 500 where there is no such consumer", function()
      refused(500, "An unexpected error occurred", { anonymous = "eve" }, {})
      assert.matches("anonymous consumer eve is configured but doesn't exist", fake.log[1].text)
    end)
  end)

  it("lets preflight requests pass if told so", function()
    assert.is_nil(run({ run_on_preflight = false }, { method = "OPTIONS" }))
    refused(401, "No API key found in request", {}, { method = "OPTIONS" })
    refused(401, "No API key found in request", { run_on_preflight = false }, {})
  end)
end)
