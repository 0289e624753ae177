-- HAProxy 3e6d030ce: sessions were used after they had been freed when handshakes failed.

local advisory = require("spec.support.advisory")
local helpers = require("spec.helpers")

local CLIENTS, ROUNDS = 40, 5

describe("advisory 27, many handshakes that fail while others resume:", function()
  local world

  setup(function()
    local bad = advisory.leaf({ dns = "elsewhere.test" })
    local script = {}
    for i = 1, CLIENTS * ROUNDS do
      script[i] = i % 3 == 0 and { cert = bad.chain, key = bad.key } or {}
    end
    world = advisory.world({ listeners = {
      tls12 = { tls = advisory.leaf(), version = "1.2", close = true, script = script },
      tls13 = { tls = advisory.leaf(), version = "1.3", close = true, script = script },
    } })
  end)
  teardown(helpers.stop_all)

  for _, name in ipairs({ "tls12", "tls13" }) do
    it("harm nobody, " .. name, function()
      local pid = world.gateway:worker_pid()
      local seen = {}
      for _ = 1, ROUNDS do
        local open = {}
        for i = 1, CLIENTS do
          open[i] = world.gateway:connect()
          open[i]:send(("GET /%s HTTP/1.1\r\nHost: kong.example\r\nConnection: close\r\n\r\n")
            :format(name))
        end
        for _, raw in ipairs(open) do
          local status = raw:response().status
          seen[status] = (seen[status] or 0) + 1
          raw:close()
        end
      end
      assert.equal(CLIENTS * ROUNDS, (seen[200] or 0) + (seen[502] or 0))
      assert.is_true(seen[200] > 0 and seen[502] > 0)
      assert.equal(seen[200], world.peer:count("request", name))
      assert.equal(pid, world.gateway:worker_pid())
    end)
  end
end)
