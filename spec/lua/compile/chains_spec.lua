-- Which plugins' configurations are in a route's chain, and in what order; what depends on the
-- consumer.

local fake = require("spec.support.fake_abi").install()
local compiling = require("spec.support.compiling")
local plugin = require("spec.support.plugin")

local run, plan_of, chain_of = compiling.run, compiling.plan_of, compiling.chain_of
local SERVICE, ROUTE = compiling.SERVICE, compiling.ROUTE

local ACCESS, HEADER, BODY, LOG = 2, 4, 8, 16

describe("weir.compile: plugins", function()
  before_each(compiling.begin)

  local function entity(name, scope, more)
    local result = more or {}
    result.name = name
    result.config = { mark = scope }
    result.route = scope:find("route") and ROUTE or nil
    result.service = scope:find("service") and SERVICE or nil
    return result
  end

  local function chain(entities, names)
    local built, _, _, blob = run({
      services = { {} }, routes = { { service = SERVICE } }, plugins = entities,
    }, names or { "one", "two", "three" })
    return chain_of(blob, 2), plan_of(built, 1).phases, blob
  end

  it("apply once each, the most specific configuration", function()
    local scopes = { "global", "service", "route", "route+service" }
    for last = 1, 4 do
      local entities = {}
      for i = last, 1, -1 do
        table.insert(entities, entity("one", scopes[i]))
      end
      assert.same({ scopes[last] }, (chain(entities)))
    end
  end)

  it("of another route or service do not apply", function()
    local other = entity("one", "other")
    other.route = { id = "routes-9" }
    assert.same({}, (chain({ other })))
    other.route, other.service = nil, { id = "services-9" }
    assert.same({}, (chain({ other })))
  end)

  it("run by priority, then by name from the end of the alphabet", function()
    local marks = chain({ entity("one", "global"), entity("three", "global"),
      entity("two", "global") })
    assert.equal(3, #marks)
    local _, _, blob = chain({ entity("one", "global"), entity("three", "route"),
      entity("two", "service") })
    local names = {}
    for i, index in ipairs(blob.chains[2]) do
      names[i] = blob.plugins[index].name
    end
    assert.same({ "two", "three", "one" }, names)
  end)

  it("decide in which phases Lua is entered; rewrite has no route yet", function()
    local _, phases = chain({ entity("one", "global"), entity("two", "route") })
    assert.equal(ACCESS + HEADER + LOG, phases)
    _, phases = chain({ entity("three", "service") })
    assert.equal(BODY, phases)
    _, phases = chain({})
    assert.equal(0, phases)
  end)

  it("are asked which phases a configuration needs", function()
    plugin.define("one", {
      phases = function(_, conf)
        return { [conf.mark == "route" and "access" or "log"] = true }
      end,
    }, { "access", "log" })
    local _, phases, blob = chain({ entity("one", "global"), entity("one", "route") })
    assert.equal(ACCESS, phases)
    assert.equal(LOG, fake.built.plans[1].phases)
    assert.equal(LOG, blob.plugins[blob.chains[0][1]].phases)
    assert.equal(ACCESS, blob.plugins[blob.chains[2][1]].phases)
  end)

  it("are refused, with their configuration, when they cannot say that", function()
    plugin.define("one", { phases = function() return { access = true } end })
    local _, why, builder = run({ plugins = { entity("one", "global") } }, { "one" })
    assert.is_nil(builder)
    assert.equal("plugins: 'one' (plugins-1): its phases() named 'access', a phase that the "
      .. "handler does not implement", why)
  end)

  it("that need not judge upstreams are no part of the policy", function()
    plugin.define("one", {
      phases = function(_, conf) return { upstream_verify = conf.mark == "route" } end,
    }, { "upstream_verify" })
    local function judges(scope)
      return plan_of(run({
        services = { {} }, routes = { { service = SERVICE } }, plugins = { entity("one", scope) },
      }, { "one" }), 1).judges
    end
    assert.is_string(judges("route"))
    assert.is_nil(judges("service"))
  end)

  describe("of consumers", function()
    -- What the only route runs for a consumer, as marks of the configurations.
    local function chosen(blob, consumer)
      if not blob.choices[2] then
        return chain_of(blob, 2)
      end
      local marks = {}
      for i, item in ipairs(blob.choices[2]) do
        local index = item[1]
        for k = #item, 2, -1 do
          index = blob.consumers[item[k]][consumer] or index
        end
        marks[i] = index ~= 0 and blob.plugins[index].conf.mark or "none"
      end
      return marks
    end

    local function entity_of(scope, more)
      local result = entity("one", scope, more)
      result.consumer = scope:find("consumer") and { id = "ann" } or nil
      return result
    end

    local function compiled(entities, names)
      local built, problems, _, blob = run({
        services = { {} }, routes = { { service = SERVICE } }, plugins = entities,
      }, names or { "one", "two", "three" })
      return blob, built, problems
    end

    it("count in Kong's order of the eight combinations", function()
      local scopes = { "global", "service", "route", "consumer", "route+service",
        "service+consumer", "route+consumer", "route+service+consumer" }
      for last = 1, #scopes do
        local entities = {}
        for i = 1, last do
          table.insert(entities, entity_of(scopes[i]))
        end
        local blob = compiled(entities)
        assert.same({ scopes[last] }, chosen(blob, "ann"))
      end
    end)

    it("leave to others what is for everybody", function()
      local blob = compiled({ entity_of("consumer"), entity_of("service") })
      assert.same({ "service" }, chosen(blob, "bob"))
      assert.same({ "none" }, chosen(compiled({ entity_of("consumer") }), "bob"))
    end)

    it("do not come before a configuration for route and service", function()
      local blob = compiled({ entity_of("consumer"), entity_of("route+service") })
      assert.same({}, blob.choices)
    end)

    it("leave plans alone where they make no difference", function()
      local elsewhere = entity_of("consumer")
      elsewhere.route = { id = "routes-9" }
      local blob = compiled({ elsewhere, entity("two", "global") })
      assert.same({}, blob.choices)
      assert.equal(1, #blob.chains[2])
    end)

    it("make the phases that any of them may need", function()
      local _, built = compiled({ entity("two", "global"), entity_of("consumer") })
      assert.equal(ACCESS + HEADER + LOG, plan_of(built, 1).phases)
    end)

    it("are asked for their phases, each of them", function()
      plugin.define("one", {
        phases = function(_, conf)
          return { [conf.mark == "consumer" and "body_filter" or "log"] = true }
        end,
      }, { "access", "body_filter", "log" })
      local _, built = compiled({ entity_of("global"), entity_of("consumer") })
      assert.equal(BODY + LOG, plan_of(built, 1).phases)
    end)

    it("of another protocol than the route's take their place and do not run", function()
      local blob = compiled({
        entity_of("consumer", { protocols = { "tcp", "http" } }), entity_of("global"),
      })
      assert.same({ "consumer" }, chosen(blob, "ann"))
      local _, _, _, other = run({
        services = { {} }, routes = { { service = SERVICE, protocols = { "https" } } },
        plugins = { entity_of("consumer", { protocols = { "http" } }), entity_of("global") },
      }, { "one" })
      assert.same({ "none" }, chosen(other, "ann"))
      assert.same({ "global" }, chosen(other, "bob"))
    end)

    it("are told to workers once, however many routes they serve", function()
      local _, _, _, blob = run({
        services = { {} }, routes = { { service = SERVICE }, { service = SERVICE } },
        plugins = { entity_of("consumer") },
      }, { "one" })
      assert.same(blob.choices[2], blob.choices[3])
      assert.equal(1, #blob.consumers)
      assert.equal("ann", blob.plugins[blob.consumers[1].ann].consumer)
    end)

    for _, what in ipairs({ "plan", "upstream_verify" }) do
      it("are refused for a plugin that implements " .. what, function()
        plugin.define("decider", {}, { what })
        local blob, _, why = compiled({
          { name = "decider", config = {}, consumer = { id = "ann" } },
        }, { "decider" })
        plugin.forget("decider")
        assert.is_nil(blob)
        assert.matches("'decider' of consumer 'ann': the plugin implements `" .. what .. "`", why)
      end)
    end
  end)

  describe("that judge upstreams", function()
    local function judges_of(entities)
      local built = run({
        services = { {} }, routes = { { service = SERVICE } }, plugins = entities,
      }, { "judge", "other_judge", "one" })
      return plan_of(built, 1).judges, built
    end

    local function judge(mark, fields)
      fields = fields or {}
      fields.name, fields.config = fields.name or "judge", { mark = mark }
      return fields
    end

    setup(function()
      plugin.define("judge", { PRIORITY = 3 }, { "upstream_verify", "balancer", "response" })
      plugin.define("other_judge", { PRIORITY = 2 }, { "upstream_verify" })
    end)
    teardown(function()
      plugin.forget("judge")
      plugin.forget("other_judge")
    end)

    it("are part of the plan, by identity and content", function()
      local seen = {}
      for i, entities in ipairs({
        { judge("a") }, { judge("b") }, { judge("a", { id = "another" }) },
        { judge("a", { name = "other_judge" }) },
        { judge("a"), judge("a", { name = "other_judge" }) },
      }) do
        local judges = judges_of(entities)
        assert.matches("^%x+$", judges)
        assert.is_nil(seen[judges], "case " .. i)
        seen[judges] = true
        assert.equal(judges, (judges_of(entities)))
      end
    end)

    it("are nobody where no plugin does, and where none is in force", function()
      assert.is_nil((judges_of({ { name = "one", config = {} } })))
      assert.is_nil((judges_of({ judge("a", { enabled = false }) })))
    end)

    it("are the same whatever else runs", function()
      assert.equal((judges_of({ judge("a") })),
        (judges_of({ judge("a"), { name = "one", config = {} } })))
    end)

    it("are not asked where no route is known", function()
      local _, built = judges_of({ judge("a") })
      assert.equal(0, built.plans[1].phases)
      assert.is_nil(built.plans[1].judges)
      assert.equal(32 + 64 + 128, plan_of(built, 1).phases)
    end)
  end)

  it("that are disabled leave their place to the less specific", function()
    assert.same({ "global" }, (chain({
      entity("one", "global"), entity("one", "route", { enabled = false }),
    })))
  end)

  it("for other protocols than the route's do not run", function()
    local built, _, _, blob = run({
      services = { {} },
      routes = { { service = SERVICE, protocols = { "http" } } },
      plugins = {
        entity("one", "route", { protocols = { "https" } }),
        entity("two", "route", { protocols = { "http", "https" } }),
        entity("three", "global", { protocols = { "tcp" } }),
      },
    }, { "one", "two", "three" })
    assert.same({ "route" }, chain_of(blob, 2))
    assert.equal(HEADER + LOG, plan_of(built, 1).phases)
    assert.same({}, blob.chains[0])
  end)

  it("are told to workers once, however many routes they serve", function()
    local _, _, _, blob = run({
      services = { {} },
      routes = { { service = SERVICE }, { service = SERVICE } },
      plugins = { entity("one", "service") },
    }, { "one" })
    assert.same(blob.chains[2], blob.chains[3])
    assert.equal(2, #blob.plugins) -- and the Admin API
  end)

  it("have the same hash as long as nothing of them changes", function()
    local function hash(conf, scope)
      local changed = entity("one", scope or "route")
      changed.config = conf
      local _, _, blob = chain({ changed })
      return blob.plugins[blob.chains[2][1]].hash
    end
    assert.equal(hash({ a = 1, b = { 2 } }), hash({ b = { 2 }, a = 1 }))
    assert.not_equal(hash({ a = 1 }), hash({ a = 2 }))
    assert.not_equal(hash({ a = 1 }), hash({ a = 1 }, "service"))
  end)
end)
