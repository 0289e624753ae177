-- Where tries go: to the targets of an upstream, or to what plugins chose.

local ffi = require("ffi")
local proxy = require("spec.support.proxy")
local tls = require("spec.support.tls")
local str = proxy.str

jit.off(true, true)

local GET, OK = proxy.GET, proxy.OK

describe("proxy/pick", function()
  local world, servers, client

  after_each(function()
    world:free()
  end)

  -- Two servers, by default as targets of one upstream, to which no connection is kept.
  local function start(options, hooks)
    world, servers = proxy.new(hooks), {}
    for i = 1, 2 do
      servers[i] = world:listen()
    end
    options = options or {}
    options.targets = options.targets or { servers[1].port, servers[2].port }
    options.settings = { keepalive_pool_size = 0 }
    world:configure(options)
    client = world:client()
  end

  -- Sends a request, has whoever is asked answer, and says who that was.
  local function ask()
    local asked, peer
    client:send(GET)
    world:wait("a server to be asked", function()
      for i, server in ipairs(servers) do
        peer, asked = server:is_asked(), i
        if peer then
          return true
        end
      end
    end)
    peer:request()
    peer:send(OK)
    assert.equal(200, client:response().status)
    return asked
  end

  it("asks the targets of an upstream in turn", function()
    start()
    local first = ask()
    assert.same({ 3 - first, first, 3 - first }, { ask(), ask(), ask() })
  end)

  for _, phase in ipairs({ "access", "balancer" }) do
    it("asks the target that a plugin chose in " .. phase, function()
      start(nil, {
        [phase] = function(r)
          r.target_host, r.target_port, r.upstream = str("127.0.0.1"), servers[2].port, -2
        end,
      })
      assert.same({ 2, 2, 2 }, { ask(), ask(), ask() })
    end)
  end

  it("finds no target: 503", function()
    start({ targets = { { port = 1, weight = 0 } } })
    client:send(GET)
    assert.equal(503, client:response().status)
    assert.matches("no target of the upstream can be used", world:log())
  end)

  it("asks nobody for a plan that cannot proxy: 502", function()
    start({ plan = { error = "the bundle is broken" } })
    client:send(GET)
    assert.equal(502, client:response().status)
    assert.matches("the service cannot be used: the bundle is broken", world:log())
    assert.is_false(servers[1]:is_asked() or servers[2]:is_asked())
  end)

  -- Two targets over TLS with policies of their own, none of which can be made.
  local function without_policies(retries, chooses)
    local list = ffi.new("struct target_policy[2]")
    for i = 1, 2 do
      list[i - 1] = { host = str("10.0.0." .. i), port = 1, error = str("no such CA") }
    end
    start({
      targets = { { host = "10.0.0.1", port = 1 }, { host = "10.0.0.2", port = 1 } },
      plan = {
        tls = true, policy = tls.policy({}), targets = list, target_count = 2, retries = retries,
      },
    }, { access = chooses })
    client:send(GET)
    return client:response().status, world:log()
  end

  it("passes over targets without a policy, and asks nobody when there is no other", function()
    local status, log = without_policies(5)
    assert.equal(502, status)
    for i = 1, 2 do
      assert.equal(1, select(2, log:gsub(("target 10%%.0%%.0%%.%d:1: no such CA"):format(i), "")))
    end
  end)

  it("passes over no target when there are no retries, or when a plugin's choice failed", function()
    local status, log = without_policies(0)
    assert.same({ 502, 1 }, { status, select(2, log:gsub("no such CA", "")) })
    world:free()
    status, log = without_policies(5, function(r) r.choice.failed = true end)
    assert.same({ 502, 1 }, { status, select(2, log:gsub("choice of verification", "")) })
  end)
end)
