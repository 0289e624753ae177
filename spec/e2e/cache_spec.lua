-- kong.cache in a gateway with several workers: each has values of its own, and all forget.

local config = require("spec.support.config")
local helpers = require("spec.helpers")

-- Who answers, and with which of the values, that are numbered as they are worked out.
local ANSWER = [[
local function work_out() return ngx.shared.kong:incr("worked out", 1, 0) end
if kong.request.get_method() == "DELETE" then
  kong.cache:invalidate("key")
end
kong.response.exit(200, "", {
  ["X-Worker"] = ngx.worker.id(), ["X-Value"] = (kong.cache:get("key", nil, work_out)),
})]]

describe("kong.cache", function()
  teardown(helpers.stop_all)

  it("gives out in no worker what one has invalidated", function()
    local gateway = helpers.gateway({
      workers = 3,
      settings = { plugins = "bundled,snippet", plugin_path = "spec/fixtures/plugins" },
      config = config.build({
        main = { port = 1, plugins = { { name = "snippet", config = { access = ANSWER } } } },
      }),
    })

    local function ask(method)
      local headers = gateway:get({ path = "/main", host = "x", method = method }).headers
      return headers["x-worker"], tonumber(headers["x-value"])
    end

    -- Which worker gets a connection is the kernel's choice: all do after some.
    local function ask_all()
      local values, count = {}, 0
      helpers.eventually(function()
        local worker, value = ask()
        count = count + (values[worker] and 0 or 1)
        assert.equal(values[worker] or value, value)
        values[worker] = value
        return count == 3
      end, "all workers to answer")
      return values
    end

    local before = ask_all()
    local worker, newest = ask("DELETE")
    local after = ask_all()
    assert.equal(newest, after[worker])
    for id, value in pairs(after) do
      assert.is_true(value > before[id], "an old value in worker " .. id)
    end
    gateway:stop()
  end)
end)
