-- acl behind key-auth in the running gateway.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

describe("acl", function()
  local peer, gateway

  local function document(groups)
    local function with(anonymous, fields)
      return { port = peer.ports.main, plugins = {
        { name = "key-auth", config = { anonymous = anonymous } },
        { name = "acl", config = fields },
      } }
    end
    return config.build({
      allowed = with(nil, { allow = { "admins" } }),
      denied = with(nil, { deny = { "users" } }),
      open = with("guest", { allow = { "admins" } }),
      unknown = { port = peer.ports.main, plugins = {
        { name = "acl", config = { deny = { "users" } } },
      } },
    }, { consumers = {
      { username = "ann", keyauth_credentials = { { key = "ann" } }, acls = groups },
      { username = "bob", keyauth_credentials = { { key = "bob" } },
        acls = { { group = "users" } } },
      { username = "guest" },
    } })
  end

  setup(function()
    peer = upstreams.peer({ main = {} })
    gateway = helpers.gateway({ config = document({ { group = "admins" }, { group = "staff" } }) })
  end)
  teardown(helpers.stop_all)

  local function status(path)
    return gateway:get(path).status
  end

  it("lets groups in and tells the service", function()
    local response = gateway:get({ path = "/allowed?apikey=ann",
      headers = { ["X-Consumer-Groups"] = "root" } })
    assert.equal("admins, staff", cjson.decode(response.body).headers["x-consumer-groups"])
    assert.equal(200, status("/denied?apikey=ann"))
  end)

  it("keeps groups out", function()
    local response = gateway:get("/allowed?apikey=bob")
    assert.equal(403, response.status)
    assert.equal("You cannot consume this service", cjson.decode(response.body).message)
    assert.equal(403, status("/denied?apikey=bob"))
  end)

  it("keeps those out whom nobody knows", function()
    assert.equal(401, status("/open"))
    assert.equal(401, status("/unknown"))
    gateway:wait_line("%[acl%].*Cannot identify the consumer")
  end)

  it("goes by the groups of the configuration in force", function()
    assert.equal(200, status("/allowed?apikey=ann"))
    assert.is_true((gateway:reload(document({ { group = "users" } }))))
    assert.equal(403, status("/allowed?apikey=ann"))
    assert.equal(403, status("/denied?apikey=ann"))
  end)
end)
