-- basic-auth in the running gateway, alone and beside key-auth.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

describe("basic-auth", function()
  local gateway

  setup(function()
    local port = upstreams.peer({ main = {} }).ports.main
    local either = { anonymous = "guest", hide_credentials = true }
    gateway = helpers.gateway({ config = config.build({
      one = { port = port, plugins = { { name = "basic-auth" } } },
      both = { port = port, plugins = { { name = "basic-auth" }, { name = "key-auth" } } },
      either = { port = port, plugins = {
        { name = "basic-auth", config = either }, { name = "key-auth", config = either },
      } },
    }, { consumers = {
      { username = "ann", basicauth_credentials = { { username = "a", password = "secret" } } },
      { username = "bob", keyauth_credentials = { { key = "bob-key" } } },
      { username = "guest" },
    } }) })
  end)
  teardown(helpers.stop_all)

  local function ask(path, user)
    return gateway:get({ path = path, args = user and { "--user", user } })
  end

  local function consumer(path, user)
    return cjson.decode(ask(path, user).body).headers["x-consumer-username"]
  end

  it("asks for name and password", function()
    local response = ask("/one")
    assert.equal(401, response.status)
    assert.equal('Basic realm="service"', response.headers["www-authenticate"])
    assert.equal("Unauthorized", cjson.decode(response.body).message)
    assert.equal(401, ask("/one", "a:wrong").status)
  end)

  it("tells the service who it is", function()
    assert.equal("ann", consumer("/one", "a:secret"))
  end)

  it("and key-auth want both, unless there is an anonymous consumer", function()
    assert.equal(401, ask("/both", "a:secret").status)
    assert.equal(401, ask("/both?apikey=bob-key").status)
    assert.equal(200, ask("/both?apikey=bob-key", "a:secret").status)
    assert.equal("ann", consumer("/either", "a:secret"))
    assert.equal("bob", consumer("/either?apikey=bob-key"))
    assert.equal("guest", consumer("/either"))
  end)
end)
