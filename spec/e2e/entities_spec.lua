-- Consumers and what plugins bring for them, in the running gateway: plugins read them through
-- kong.db and kong.cache.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")

local function document(consumers)
  local keyring = { name = "keyring", config = { password = "{vault://mine/word}" } }
  return config.build({ main = { port = 1, plugins = { keyring } } }, {
    consumers = consumers,
    vaults = { { prefix = "mine", name = "env", config = { prefix = "ENTITIES_" } } },
  })
end

describe("entities of plugins", function()
  local gateway, folder

  setup(function()
    folder = helpers.directory()
    helpers.run({ "cp", "-r", "spec/fixtures/plugins/keyring", folder })
    gateway = helpers.gateway({
      workers = 1, config = document({
        { username = "alice", keyring_keys = { { key = "a" } },
          keyring_groups = { { group = "admins" }, { group = "users" } } },
        { username = "bob", custom_id = "7", keyring_keys = { { key = "b" } } },
      }),
      settings = { plugins = "bundled,keyring", plugin_path = folder },
      env = { ENTITIES_WORD = "open sesame" },
    })
    helpers.run({ "rm", "-r", folder .. "/keyring" })
  end)
  teardown(helpers.stop_all)

  local function send(key, slow)
    local conn = gateway:connect()
    conn:send(("GET /main HTTP/1.1\r\nHost: kong.example\r\nx-key: %s\r\n%s\r\n")
      :format(key, slow and "x-slow: 1\r\n" or ""))
    return conn
  end

  local function receive(conn)
    local response = assert(conn:response())
    conn:close()
    return response.status, cjson.decode(response.body)
  end

  it("need none of the plugin's files once the gateway is ready", function()
    local status, answer = receive(send("b"))
    assert.equal(200, status)
    assert.equal("bob", answer.consumer.username)
    assert.is_nil(io.open(folder .. "/keyring/daos.lua"))
  end)

  it("lead plugins to a consumer, once per configuration", function()
    local status, answer = receive(send("a"))
    assert.equal(200, status)
    assert.equal("alice", answer.consumer.username)
    table.sort(answer.groups)
    assert.same({ "admins", "users" }, answer.groups)
    local _, again = receive(send("a"))
    assert.equal(answer.calls, again.calls)
    assert.equal("7", select(2, receive(send("b"))).consumer.custom_id)
  end)

  it("that there are not are remembered, too", function()
    local status, answer = receive(send("nobody"))
    assert.equal(401, status)
    assert.equal(answer.calls, select(2, receive(send("nobody"))).calls)
  end)

  it("are looked up by one of many that ask at once", function()
    local before = select(2, receive(send("c"))).calls
    local conns = {}
    for i = 1, 8 do
      conns[i] = send("slow", true)
    end
    for _, conn in ipairs(conns) do
      local status, answer = receive(conn)
      assert.equal(401, status)
      assert.equal(before + 1, answer.calls)
    end
  end)

  it("have secrets that the configuration only refers to, and nobody is shown", function()
    assert.equal("open sesame", select(2, receive(send("nobody"))).password)
    assert.same({ password = "{vault://mine/word}" },
      gateway:admin("/plugins").data[1].config)
  end)

  it("are those of the new configuration after a reload", function()
    assert.equal(401, (receive(send("d"))))
    gateway:reload(document({ { username = "dave", keyring_keys = { { key = "d" } } } }))
    assert.equal(200, (receive(send("d"))))
    assert.equal(401, (receive(send("a"))))
  end)
end)
