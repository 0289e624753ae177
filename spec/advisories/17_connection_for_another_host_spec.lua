-- ATS 45b1b89703: a connection to the origin was used for another host, for which its certificate
-- had not been checked.

local advisory = require("spec.support.advisory")
local helpers = require("spec.helpers")

describe("advisory 17, an open connection and another host:", function()
  local world

  setup(function()
    world = advisory.world({ listeners = { main = { tls = advisory.leaf({ dns = "a.test" }) } } })
  end)
  teardown(helpers.stop_all)

  it("is not used, and the certificate is judged by that name", function()
    local conn = world:accepts("main", "a.test").conn
    world:refuses("main", "b.test", 'does not match "b.test"')
    assert.equal("b.test", world:hello("main").sni)
    assert.equal(conn, world:accepts("main", "a.test").conn)
  end)

  it("nor by requests of one client connection", function()
    local raw = world.gateway:connect()
    for _, row in ipairs({ { "a.test", 200 }, { "b.test", 502 }, { "a.test", 200 } }) do
      raw:send(("GET /main HTTP/1.1\r\nHost: %s\r\n\r\n"):format(row[1]))
      assert.equal(row[2], raw:response().status)
    end
    raw:close()
  end)
end)
