-- key-auth in the running gateway, and plugins with configurations of the consumers that it knows.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

describe("key-auth", function()
  local peer, gateway

  local function document(consumers)
    local function with(fields)
      return { port = peer.ports.main, plugins = { { name = "key-auth", config = fields } } }
    end
    return config.build({
      plain = with({}),
      hidden = with({ hide_credentials = true, key_in_body = true }),
      open = with({ anonymous = "guest" }),
    }, {
      consumers = consumers,
      plugins = { { name = "request-termination", consumer = "blocked",
        config = { status_code = 418 } } },
    })
  end

  setup(function()
    peer = upstreams.peer({ main = {} })
    gateway = helpers.gateway({ config = document({
      { username = "ann", custom_id = "a7", keyauth_credentials = { { key = "ann-key" } } },
      { username = "blocked", keyauth_credentials = { { key = "blocked-key" } } },
      { username = "guest" },
    }) })
  end)
  teardown(helpers.stop_all)

  local function seen(request)
    local response = gateway:get(request)
    assert.equal(200, response.status, response.body)
    return cjson.decode(response.body)
  end

  it("refuses requests without a key", function()
    local before = peer:count("request")
    local response = gateway:get("/plain")
    assert.equal(401, response.status)
    assert.equal("Key", response.headers["www-authenticate"])
    assert.equal("No API key found in request", cjson.decode(response.body).message)
    assert.equal(response.headers["x-kong-request-id"], cjson.decode(response.body).request_id)
    assert.equal(401, gateway:get("/plain?apikey=wrong").status)
    assert.equal(before, peer:count("request"))
  end)

  it("tells the service who it is", function()
    local headers = seen({ path = "/plain?apikey=ann-key",
      headers = { ["X-Consumer-Username"] = "root" } }).headers
    assert.equal("ann", headers["x-consumer-username"])
    assert.equal("a7", headers["x-consumer-custom-id"])
    assert.matches("^%x+%-%x+%-%x+%-%x+%-%x+$", headers["x-consumer-id"])
  end)

  it("hides keys in headers, query and body", function()
    local form = { ["Content-Type"] = "application/x-www-form-urlencoded" }
    assert.equal("/?a=%41", seen("/hidden?apikey=ann-key&a=%41").target)
    assert.equal("/", seen("/hidden?apikey=ann-key").target)
    assert.is_nil(seen({ path = "/hidden", headers = { apikey = "ann-key" } }).headers.apikey)
    local request = { path = "/hidden", method = "POST", headers = form }
    request.body = "apikey=ann-key&a=1"
    assert.equal("a=1", seen(request).body.text)
    request.headers = { ["Content-Type"] = "application/json" }
    request.body = '{"apikey":"ann-key","a":1}'
    assert.equal('{"a":1}', seen(request).body.text)
  end)

  it("lets others pass as the anonymous consumer", function()
    local headers = seen("/open?apikey=wrong").headers
    assert.equal("guest", headers["x-consumer-username"])
    assert.equal("true", headers["x-anonymous-consumer"])
    assert.equal("ann", seen("/open?apikey=ann-key").headers["x-consumer-username"])
  end)

  it("chooses the configurations of the consumer for later plugins", function()
    assert.equal(418, gateway:get("/plain?apikey=blocked-key").status)
    assert.equal(200, gateway:get("/plain?apikey=ann-key").status)
  end)

  it("forgets keys with the configuration that had them", function()
    assert.equal(200, gateway:get("/plain?apikey=ann-key").status)
    assert.equal(401, gateway:get("/plain?apikey=new-key").status)
    assert.is_true((gateway:reload(document({
      { username = "ann", keyauth_credentials = { { key = "new-key" } } },
      { username = "blocked" }, { username = "guest" },
    }))))
    assert.equal(401, gateway:get("/plain?apikey=ann-key").status)
    assert.equal(200, gateway:get("/plain?apikey=new-key").status)
  end)
end)
