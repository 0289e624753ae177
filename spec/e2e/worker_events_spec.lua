-- kong.worker_events in the running gateway.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")

describe("kong.worker_events", function()
  teardown(helpers.stop_all)

  it("reaches the plugins of all workers, each once", function()
    local gateway = helpers.gateway({
      workers = 2,
      config = config.build({ a = { port = 9, plugins = { { name = "listener" } } } }),
      settings = { plugins = "bundled,listener", plugin_path = "spec/fixtures/plugins" },
    })
    local answer = gateway:get({ path = "/a/first", host = "x.example" })
    local from = cjson.decode(answer.body).worker
    for number = 0, 1 do
      local text = "worker %d heard listener said of worker %d: /a/first"
      assert.matches("%[listener%]", gateway:wait_line(text:format(number, from)))
    end
    answer = gateway:get({ path = "/a/second", host = "x.example" })
    local other = 1 - cjson.decode(answer.body).worker
    gateway:wait_line(("worker %d heard .*/a/second"):format(other))
    for number = 0, 1 do
      assert.equal(1, #gateway:lines(("worker %d heard .*/a/first"):format(number)))
    end
  end)
end)
