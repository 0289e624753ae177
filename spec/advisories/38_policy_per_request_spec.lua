-- Traefik CVE-2026-48491, CVE-2022-23632: the policy was that of the connection, the request went
-- where its Host said.

local advisory = require("spec.support.advisory")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")

describe("advisory 38, requests of one client connection:", function()
  local world

  setup(function()
    local stranger = forge.certificate({ subject = "stranger", ca = true })
    local leaf = advisory.leaf({ issuer = stranger, extensions = {
      forge.ext.san("dns", "loose.test", "dns", "strict.test", "dns", "a.wild.test") } })
    local function service(host, verify)
      return { listener = "main", paths = { "/x" }, route = { hosts = { host } },
        fields = { tls_verify = verify } }
    end
    world = advisory.world({
      listeners = { main = { tls = leaf } },
      services = {
        loose = service("loose.test", false), strict = service("strict.test", true),
        wild = service("*.wild.test", true),
      },
    })
  end)
  teardown(helpers.stop_all)

  it("have the policy of their own host, each", function()
    local raw = world.gateway:connect()
    for _, row in ipairs({
      { "loose.test", 200 }, { "strict.test", 502 }, { "loose.test", 200 }, { "a.wild.test", 502 },
      { "STRICT.TEST", 502 }, { "A.Wild.Test", 502 }, { "loose.test:80", 200 },
      { "strict.test.", 502 },
    }) do
      raw:send(("GET /x HTTP/1.1\r\nHost: %s\r\n\r\n"):format(row[1]))
      assert.equal(row[2], raw:response().status, row[1])
    end
    raw:close()
    for _, event in ipairs(world.peer:events("request")) do
      assert.matches("Host: loose%.test", event.raw)
    end
  end)
end)
