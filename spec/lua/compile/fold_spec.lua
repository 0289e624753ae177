-- How plugins decide when the configuration is compiled: policies of services, routes and targets.

require("spec.support.fake_abi").install()
local compiling = require("spec.support.compiling")
local plugin = require("spec.support.plugin")

local run, plan_of, chain_of = compiling.run, compiling.plan_of, compiling.chain_of
local SERVICE, ROUTE = compiling.SERVICE, compiling.ROUTE

describe("weir.compile: folding", function()
  before_each(compiling.begin)

  local CA = { id = "ca-1", cert = "CA1" }

  local function tls(service, more)
    service.protocol, service.name = "https", "secure"
    local entities = more or {}
    entities.services, entities.routes = { service }, { { service = SERVICE, name = "r" } }
    entities.ca_certificates = entities.ca_certificates or { CA }
    return entities
  end

  it("needs no configuration of upstream-tls, nor that it is enabled", function()
    local built, problems, _, blob = run(tls({
      tls_verify = true, tls_verify_depth = 1, ca_certificates = { "ca-1" },
    }))
    local plan = plan_of(built, 1)
    assert.same({ verify = 1, depth = 1, trust = { "CA1" } }, plan.policy)
    assert.equal(1, plan.tls)
    assert.equal(0, plan.phases)
    assert.same({}, blob.chains[2])
    assert.same({}, problems)
  end)

  it("lets a plugin with request phases decide, too, and keeps it in the chain", function()
    plugin.define("one", {
      PRIORITY = 10,
      plan = function(_, conf, plan)
        return plan:set_policy({ verify = true, depth = conf.depth, trust = plan:trust({}) })
      end,
    }, { "access" })
    local built, _, _, blob = run(tls({}, {
      plugins = { { name = "one", service = SERVICE, config = { depth = 3 } } },
    }), { "one" })
    assert.same({ verify = 1, depth = 3, trust = {} }, plan_of(built, 1).policy)
    assert.same({ "one" }, chain_of(blob, 2))
  end)

  it("leaves what only decides out of every chain", function()
    plugin.define("one", { plan = function() end })
    local _, _, _, blob = run(tls({}, { plugins = { { name = "one" } } }), { "one" })
    assert.same({}, blob.chains[2])
    assert.same({}, blob.chains[0])
  end)

  it("shows a plugin the route, the service and the upstream", function()
    local seen
    plugin.define("one", { plan = function(_, _, plan)
      seen = { plan.route.name, plan.service.name, plan.upstream.name, plan.tls }
    end })
    run(tls({ host = "u" }, { upstreams = { { name = "u" } }, plugins = { { name = "one" } } }),
      { "one" })
    assert.same({ "r", "secure", "u", true }, seen)
  end)

  it("lets a plugin work something out once for a configuration", function()
    local KEY, calls = {}, 0
    local function make(plan, key)
      calls = calls + 1
      return key == KEY and plan:trust({}), "why"
    end
    plugin.define("one", { plan = function(_, _, plan)
      local trust, why = plan:once(KEY, make)
      assert(why == "why")
      return plan:set_policy({ verify = true, depth = 4, trust = trust })
    end })
    local entities = tls({}, { plugins = { { name = "one" } } })
    table.insert(entities.routes, { name = "second", service = SERVICE, paths = { "/second" } })
    local built = run(entities, { "one" })
    assert.equal(4, plan_of(built, 1).policy.depth)
    assert.equal(4, plan_of(built, 2).policy.depth)
    assert.equal(1, calls)
    run(entities, { "one" })
    assert.equal(2, calls)
  end)

  local function failing(service, more, names)
    local built, problems, builder = run(tls(service, more), names)
    assert.is_table(builder)
    local plan = plan_of(built, 1)
    assert.is_nil(plan.policy)
    assert.equal(1, plan.tls)
    assert.equal(1, #problems)
    assert.equal("error", problems[1].severity)
    assert.matches("service 'secure' %(route 'r'%)", problems[1].message)
    assert.matches("502", problems[1].message)
    return plan.error, problems[1].message
  end

  it("refuses the requests of a plan whose bundle cannot be made", function()
    local err, problem = failing({ tls_verify = true, ca_certificates = { "ca-1" } },
      { ca_certificates = { { id = "ca-1", cert = "bad" } } })
    assert.equal("service 'secure': plugin 'upstream-tls': text 1, block 1 does not parse", err)
    assert.matches("text 1, block 1 does not parse", problem)
  end)

  it("refuses those of a plan whose CA does not exist, verified or not", function()
    for _, verify in ipairs({ true, false }) do
      local err = failing({ tls_verify = verify, ca_certificates = { "none" } })
      assert.matches("CA Certificate 'none' does not exist", err)
    end
  end)

  it("refuses those of a plan whose client certificate cannot be used", function()
    assert.matches("certificate does not match key",
      failing({ client_certificate = { id = "certificates-1" } },
        { certificates = { { cert = "C", key = "bad" } } }))
    assert.matches("Certificate 'gone' does not exist",
      failing({ client_certificate = { id = "gone" } }))
  end)

  it("refuses those of a plan for which a plugin fails", function()
    for _, plan in ipairs({
      function() error("raised") end,
      function() return nil, "raised" end,
      function(_, _, plan) return plan:set_policy({ verify = "yes" }) end,
      function(_, _, plan) return plan:set_policy({ verify = true, depth = 101 }) end,
    }) do
      plugin.define("one", { plan = plan })
      local err = failing({}, { plugins = { { name = "one" } } }, { "one" })
      assert.matches("plugin 'one': ", err)
    end
  end)

  it("warns when a plugin switches off what the service asks for", function()
    plugin.define("one", { plan = function(_, _, plan)
      return plan:set_policy({ verify = false })
    end })
    local built, problems = run(tls({ tls_verify = true, ca_certificates = { "ca-1" } },
      { plugins = { { name = "one" } } }), { "one" })
    assert.equal(2, plan_of(built, 1).policy.verify)
    assert.same({ {
      severity = "warning",
      message = "service 'secure' (route 'r') asks for tls_verify, but a plugin switches it off: "
        .. "its upstream is not verified",
    } }, problems)
    built, problems = run(tls({ tls_verify = false }, { plugins = { { name = "one" } } }),
      { "one" })
    assert.equal(2, plan_of(built, 1).policy.verify)
    assert.same({}, problems)
  end)

  it("takes every layer of upstream-tls, and tells workers what is in force", function()
    local function layer(config, scope)
      config.name = "upstream-tls"
      return { name = "upstream-tls", config = config, route = scope == "route" and ROUTE or nil,
        service = scope == "service" and SERVICE or nil }
    end
    local entities = tls({ tls_verify = true, ca_certificates = { "ca-1" } }, { plugins = {
      layer({ tls_verify_depth = 9, security_level = 3 }),
      layer({ tls_verify_depth = 2 }, "route"),
      layer({ partial_chain = true }, "service"),
    } })
    entities.routes[2] = { service = SERVICE }
    entities.routes[3] = { service = SERVICE }
    local built, problems, _, blob = run(entities, { "upstream-tls" })
    assert.same({}, problems)
    assert.same({
      verify = 1, depth = 2, trust = { "CA1" }, partial_chain = 1, security_level = 3,
    }, plan_of(built, 1).policy)
    assert.equal(9, plan_of(built, 2).policy.depth)
    assert.equal(2, #blob.effective)
    assert.equal(blob.plans[3].effective, blob.plans[4].effective)
    local shown = blob.effective[blob.plans[2].effective]
    assert.equal("enforce", shown.mode)
    assert.same({ name = "tls_verify_depth", value = 2, origin = "upstream-tls (route)" },
      shown.fields[2])
  end)

  it("shows what another plugin decides as that plugin's", function()
    plugin.define("one", { plan = function(_, _, plan)
      plan:warn("is odd")
      return plan:set_policy({ mode = "enforce", depth = 1 })
    end })
    local _, problems, _, blob = run(tls({}, { plugins = { { name = "one" } } }), { "one" })
    assert.same({
      { name = "depth", value = 1, origin = "plugin 'one'" },
      { name = "mode", value = "enforce", origin = "plugin 'one'" },
    }, blob.effective[1].fields)
    assert.same({ {
      severity = "warning", message = "service 'secure' (route 'r') is odd",
    } }, problems)
  end)

  -- A service with two targets, and upstream-tls configurations for it.
  local function with_targets(...)
    local entities = tls({ host = "u", tls_verify = true, ca_certificates = { "ca-1" } }, {
      upstreams = { { name = "u" } },
      targets = {
        { upstream = { id = "upstreams-1" }, target = "10.0.0.1:443" },
        { upstream = { id = "upstreams-1" }, target = "B.example:8443" },
      },
      plugins = {},
    })
    for i, config in ipairs({ ... }) do
      entities.plugins[i] = { name = "upstream-tls", config = config }
    end
    return entities
  end

  it("gives targets policies of their own, and tells workers of those of the upstream", function()
    local entities = with_targets({ targets = {
      { target = "b.example", tls_verify_depth = 1 },
      { target = "10.0.0.1:444", tls_verify_depth = 2 },
    } })
    table.insert(entities.plugins, { name = "one" })
    local built, problems, _, blob = run(entities, { "upstream-tls", "one" })
    assert.same({}, problems)
    assert.equal(100, plan_of(built, 1).policy.depth)
    assert.same({
      { host = "b.example", port = 0, policy = { verify = 1, depth = 1, trust = { "CA1" } } },
      { host = "10.0.0.1", port = 444, policy = { verify = 1, depth = 2, trust = { "CA1" } } },
    }, plan_of(built, 1).targets)
    local targets = blob.plans[2].targets
    assert.equal(1, #targets)
    assert.equal("B.example:8443", targets[1].target)
    assert.same({
      name = "tls_verify_depth", value = 1, origin = "upstream-tls (global, target b.example)",
    }, blob.effective[targets[1].effective].fields[2])
  end)

  it("leaves out targets of other upstreams where no plugin can send requests there", function()
    local plan
    for phase, count in pairs({
      access = 2, rewrite = 1, upstream_verify = 1, header_filter = 1, log = 1,
    }) do
      plugin.define("one", {}, { phase })
      local entities = with_targets({ targets = {
        { target = "b.example", strict = true }, { target = "elsewhere", strict = true },
      } })
      table.insert(entities.plugins, { name = "one" })
      plan = plan_of(run(entities, { "upstream-tls", "one" }), 1)
      assert.equal(count, #plan.targets, phase)
      assert.equal("b.example", plan.targets[1].host)
    end
  end)

  it("takes the host of a service that names no upstream for its target", function()
    local entities = with_targets({ targets = { { target = "[::1]:443", sni = "none" } } })
    entities.services[1].host, entities.services[1].port = "0::1", 443
    local _, _, _, blob = run(entities, { "upstream-tls" })
    assert.equal("[0::1]:443", blob.plans[2].targets[1].target)
  end)

  it("refuses a target whose policy cannot be made, and no other", function()
    local entities = with_targets({ targets = {
      { target = "10.0.0.1", ca_certificates = { "none" } },
      { target = "elsewhere", ca_certificates = { "none" } },
    } })
    table.insert(entities.plugins, { name = "one" })
    local built, problems, _, blob = run(entities, { "upstream-tls", "one" })
    local why = "plugin 'upstream-tls': CA Certificate 'none' does not exist"
    local plan = plan_of(built, 1)
    assert.is_nil(plan.error)
    assert.is_table(plan.policy)
    assert.same({
      { host = "10.0.0.1", port = 0, error = why }, { host = "elsewhere", port = 0, error = why },
    }, plan.targets)
    assert.same({ { target = "10.0.0.1:443", error = why } }, blob.plans[2].targets)
    assert.same({ {
      severity = "error",
      message = "service 'secure' (route 'r') cannot be proxied to at target '10.0.0.1:443', "
        .. "which is passed over, or its requests are answered with 502: " .. why,
    } }, problems)
  end)

  it("lets a later plugin decide for all targets, or for one", function()
    local one = plugin.define("one", { plan = function(_, _, plan)
      return plan:set_policy({ mode = "enforce", depth = 7 })
    end })
    local entities = with_targets({ targets = { { target = "10.0.0.1", mode = "off" } } })
    table.insert(entities.plugins, { name = "one" })
    local built = run(entities, { "upstream-tls", "one" })
    assert.same({}, plan_of(built, 1).targets)
    assert.equal(7, plan_of(built, 1).policy.depth)

    local place = { text = "t", canonical = "10.0.0.1" }
    function one.plan(_, _, plan)
      assert(plan:has_target(place))
      assert(plan:set_target_policy(place, { mode = "enforce", depth = 8 }))
    end
    built = run(entities, { "upstream-tls", "one" })
    assert.equal(8, plan_of(built, 1).targets[1].policy.depth)
    assert.equal(1, #plan_of(built, 1).targets)

    function one.plan(_, _, plan)
      plan:set_target_policy(place, { mode = "no" })
    end
    built = run(entities, { "upstream-tls", "one" })
    assert.is_nil(plan_of(built, 1).targets[1].policy)
    assert.matches("plugin 'one': mode must be one of", plan_of(built, 1).targets[1].error)
  end)

  it("tells workers what would hold for services without routes", function()
    local entities = with_targets({ targets = { { target = "10.0.0.1", mode = "off" } } })
    entities.routes = {}
    entities.services[2] = { protocol = "https", tls_verify = true, ca_certificates = { "none" } }
    entities.services[3] = { protocol = "https", enabled = false }
    entities.services[4] = {}
    local built, problems, _, blob = run(entities, { "upstream-tls" })
    assert.equal(2, #built.plans)
    assert.same({}, problems)
    local first = blob.services["services-1"]
    assert.is_nil(first.route_id)
    assert.equal("enforce", blob.effective[first.effective].mode)
    assert.equal("off", blob.effective[first.targets[1].effective].mode)
    assert.matches("does not exist", blob.services["services-2"].error)
    assert.is_nil(blob.services["services-3"])
    assert.same({ service_id = "services-4" }, blob.services["services-4"])
    entities.routes = { { service = SERVICE } }
    _, _, _, blob = run(entities, { "upstream-tls" })
    assert.is_nil(blob.services["services-1"])
  end)

  it("affects no other plan", function()
    local entities = tls({ tls_verify = true, ca_certificates = { "none" } })
    entities.services[2] = { protocol = "https", tls_verify = true, ca_certificates = { "ca-1" } }
    entities.routes[2] = { service = { id = "services-2" } }
    local built = run(entities)
    assert.is_string(plan_of(built, 1).error)
    assert.is_nil(plan_of(built, 2).error)
    assert.same({ "CA1" }, plan_of(built, 2).policy.trust)
  end)
end)
