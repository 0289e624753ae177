-- What an upstream was verified by ends: certificate, revocation list, stapled response. Then
-- connections and sessions from before serve nobody. The clock is set, nobody waits.

local advisory = require("spec.support.advisory")
local cjson = require("cjson")
local fault = require("spec.support.fault")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")
local workspace = require("spec.support.workspace")

local SOON, AFTER = 600, 700

describe("the end of what an upstream was verified by:", function()
  local world, clock, stapling
  local hosts = 0

  local function plugin(config)
    return { { name = "upstream-tls", config = config } }
  end

  setup(function()
    if helpers.sanitized() then
      return
    end
    clock = fault.new()
    local root = advisory.root()
    local short = forge.certificate({ subject = "intermediate", issuer = root, ca = true,
      to = SOON })
    local leaf = forge.certificate({ subject = "leaf", issuer = root, dns = "*.kong.example" })
    local below = forge.certificate({ subject = "below", issuer = short, dns = "*.kong.example" })
    local response = workspace.write(workspace.directory() .. "/response.der",
      forge.ocsp({ leaf = leaf, to = SOON }))
    stapling = upstreams.s_server({ tls = forge.identity({ leaf }),
      args = { "-status_file", response } })
    world = advisory.world({
      listeners = {
        leaf = { tls = advisory.leaf({ dns = "*.kong.example", to = SOON }) },
        intermediate = { tls = forge.identity({ below, short }) },
        listed = { tls = forge.identity({ leaf }) },
        old_list = { tls = forge.identity({ leaf }) },
        resumed12 = { tls = advisory.leaf({ dns = "*.kong.example", to = SOON }), close = true,
          version = "1.2" },
        resumed13 = { tls = advisory.leaf({ dns = "*.kong.example", to = SOON }), close = true },
        always = { tls = forge.identity({ leaf }) },
        reported = { tls = advisory.leaf({ dns = "*.kong.example", to = SOON }) },
      },
      services = {
        leaf = {}, intermediate = {}, always = {}, resumed12 = {}, resumed13 = {},
        listed = { plugins = plugin({ crl = { forge.crl({ issuer = root, to = SOON }) } }) },
        old_list = { plugins = plugin({ crl = {
          forge.crl({ issuer = root, from = -1000, to = -10 }),
          forge.crl({ issuer = root, to = 10 * SOON }) } }) },
        reported = { plugins = plugin({ mode = "report" }) },
      },
      env = clock.env,
    })
    world.peer.ports.stapled = stapling.port
    world.services.stapled = { plugins = plugin({ ocsp = "hard" }) }
    assert.is_true(world:reload())
  end)
  before_each(function()
    if clock then
      clock:set_clock(0)
    end
  end)
  teardown(helpers.stop_all)

  local function test(name, work)
    it(name, function()
      if helpers.sanitized() then
        return pending("two libraries cannot both come first")
      end
      hosts = hosts + 1
      work(("h%d.kong.example"):format(hosts))
    end)
  end

  for service, reason in pairs({ leaf = "code: expired, depth: 0",
    intermediate = "code: expired, depth: 1", listed = "code: crl_expired" }) do
    test(service .. ", of a kept connection", function(host)
      local first = world:accepts(service, host)
      assert.equal(first.conn, world:accepts(service, host).conn)
      clock:set_clock(AFTER)
      world:refuses(service, host, reason)
      clock:set_clock(1)
      assert.not_equal(first.conn, world:accepts(service, host).conn)
    end)
  end

  for _, service in ipairs({ "resumed12", "resumed13" }) do
    test("leaf, of a session: " .. service, function(host)
      world:accepts(service, host)
      assert.is_false(world.peer:last("handshake", service).reused)
      world:accepts(service, host)
      assert.is_true(world.peer:last("handshake", service).reused)
      clock:set_clock(AFTER)
      world:refuses(service, host, "code: expired")
    end)
  end

  test("a stapled response", function(host)
    assert.equal(200, world:ask("stapled", host).status)
    clock:set_clock(2 * SOON)       -- responders' clocks may be minutes off
    local response = world:ask("stapled", host)
    assert.equal(502, response.status)
    local lines = world.gateway:lines("%[error%]", response.headers["x-kong-request-id"])
    assert.truthy(lines[1]:find("code: ocsp_invalid", 1, true), lines[1])
  end)

  test("not a list that was out of date before", function(host)
    local first = world:accepts("old_list", host)
    assert.equal(first.conn, world:accepts("old_list", host).conn)
  end)

  test("not of others", function(host)
    local first = world:accepts("always", host)
    clock:set_clock(AFTER)
    assert.equal(first.conn, world:accepts("always", host).conn)
  end)

  test("in report mode it is reported, once for each handshake", function(host)
    local first = world:accepts("reported", host)
    clock:set_clock(AFTER)
    local response = world:ask("reported", host)
    local second = cjson.decode(response.body)
    assert.not_equal(first.conn, second.conn)
    assert.equal(1, #world.gateway:lines("would be refused", response.headers["x-kong-request-id"]))
    assert.equal(second.conn, world:accepts("reported", host).conn)
  end)

  test("a clock that goes backwards ends what it has not seen yet, and nothing else", function(host)
    clock:set_clock(100)
    local first = world:accepts("always", host)
    clock:set_clock(-100)
    local second = world:accepts("always", host)
    assert.not_equal(first.conn, second.conn)
    assert.equal(second.conn, world:accepts("always", host).conn)
  end)
end)
