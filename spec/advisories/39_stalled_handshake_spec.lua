-- Traefik CVE-2026-25949: a handshake that stalled, or dribbled, escaped every time limit.

local advisory = require("spec.support.advisory")
local helpers = require("spec.helpers")
local socket = require("socket")

describe("advisory 39, a handshake that never ends:", function()
  local world

  setup(function()
    local limits = { connect_timeout = 500, read_timeout = 500, write_timeout = 500 }
    world = advisory.world({
      listeners = {
        silent = { tls = advisory.leaf(), mode = "silent" },
        dribble = { tls = advisory.leaf(), mode = "dribble" },
      },
      services = { silent = { fields = limits }, dribble = { fields = limits } },
    })
  end)
  teardown(helpers.stop_all)

  for _, name in ipairs({ "silent", "dribble" }) do
    it("ends with the time limit, " .. name, function()
      local from = socket.gettime()
      local response = world:ask(name)
      assert.is_true(response.status == 502 or response.status == 504, response.status)
      assert.is_true(socket.gettime() - from < 20)
      assert.equal(0, world.peer:count("request", name))
    end)
  end
end)
