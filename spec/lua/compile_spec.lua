-- From entities to plans: precedence, order, folding, and what is refused.

local buffer = require("string.buffer")
local fake = require("spec.support.fake_abi").install()
local plugin = require("spec.support.plugin")
local compile = require("weir.compile")
local plugins = require("weir.plugins")

local REWRITE, ACCESS, HEADER, BODY, LOG = 1, 2, 4, 8, 16

local SETTINGS = {
  upstream_keepalive_pool_size = 512, upstream_keepalive_max_requests = 10000,
  upstream_keepalive_idle_timeout = 60, upstream_tls_session_reuse = true,
  upstream_tls_handshakes_max = 64,
  nginx_http_client_max_body_size = 0, client_body_buffer_size = 8192,
  response_buffer_size = 4096,
  nginx_http_client_header_timeout = 1.5, nginx_http_client_body_timeout = 60,
  nginx_http_keepalive_timeout = 75, nginx_http_send_timeout = 60,
  proxy_access_log = "/dev/stdout", real_ip_recursive = false, real_ip_header = "X-Real-IP",
  error_default_type = "text/plain", trusted_ips = { "10.0.0.0/8", "::1" },
  headers = { "server_tokens", "X-Kong-Request-Id" }, headers_upstream = { "X-Kong-Request-Id" },
  ssl_cert = {}, ssl_cert_key = {}, declarative_config_string = "key: secret", plugins = {},
  proxy_listen = {},
}

local TYPES = {
  "services", "routes", "upstreams", "targets", "plugins", "certificates", "snis",
  "ca_certificates", "consumers",
}

local DEFAULTS = {
  services = {
    enabled = true, protocol = "http", host = "backend.example", port = 80, retries = 5,
    connect_timeout = 1, write_timeout = 2, read_timeout = 3,
  },
  routes = {
    protocols = { "http", "https" }, https_redirect_status_code = 426, strip_path = true,
    preserve_host = false, regex_priority = 0,
  },
  plugins = { enabled = true, protocols = { "grpc", "grpcs", "http", "https" }, config = {} },
}

-- Entities as weir.declarative gives them.
local function configuration(entities)
  local config = {
    by_id = {}, referring = entities.referring or {}, model = require("weir.entities").base,
  }
  for _, kind in ipairs(TYPES) do
    config[kind], config.by_id[kind] = {}, {}
    for i, entity in ipairs(entities[kind] or {}) do
      for field, value in pairs(DEFAULTS[kind] or {}) do
        if entity[field] == nil then
          entity[field] = value
        end
      end
      entity.id = entity.id or kind .. "-" .. i
      table.insert(config[kind], entity)
      config.by_id[kind][entity.id] = entity
    end
  end
  return config
end

local function run(entities, names, settings)
  local all = setmetatable(settings or {}, { __index = SETTINGS })
  local merged = {}
  for name in pairs(SETTINGS) do
    merged[name] = all[name]
  end
  local builder, problems = compile.run(configuration(entities), {
    settings = merged,
    plugins = assert(plugins.load_all(names or {})),
    hash = "abc",
    node_id = "node",
  })
  return fake.built, problems, builder, fake.built.blob and buffer.decode(fake.built.blob)
end

-- The plan of a route, counted from 1; plans 0 and 1 belong to no route.
local function plan_of(built, route)
  return built.plans[route + 2]
end

-- Marks of the configurations in a plan's chain, in order.
local function chain_of(blob, plan)
  local marks = {}
  for i, index in ipairs(blob.chains[plan]) do
    local record = blob.plugins[index]
    marks[i] = record.conf.mark or record.name
  end
  return marks
end

local SERVICE, ROUTE = { id = "services-1" }, { id = "routes-1" }

describe("weir.compile", function()
  before_each(function()
    fake.install()
    plugin.define("one", { PRIORITY = 10 }, { "access" })
    plugin.define("two", { PRIORITY = 20 }, { "rewrite", "header_filter", "log" })
    plugin.define("three", { PRIORITY = 10 }, { "body_filter" })
  end)

  describe("plans without a route", function()
    it("are there for no route and for the Admin API", function()
      local built, problems, builder, blob = run({})
      assert.is_table(builder)
      assert.same({}, problems)
      assert.equal(2, #built.plans)
      assert.equal(-1, built.plans[1].upstream)
      assert.equal(0, built.plans[1].phases)
      assert.equal(ACCESS, built.plans[2].phases)
      assert.equal("weir.admin", blob.plugins[blob.chains[1][1]].module)
      assert.equal("abc", built.hash)
    end)

    it("run global plugins, but no access", function()
      local built, _, _, blob = run({
        plugins = { { name = "one" }, { name = "two" }, { name = "three", service = SERVICE } },
        services = { {} },
      }, { "one", "two", "three" })
      assert.equal(REWRITE + HEADER + LOG, built.plans[1].phases)
      assert.same({ "two", "one" }, chain_of(blob, 0))
      assert.same(blob.chains[0], blob.rewrite)
    end)
  end)

  describe("routes", function()
    it("have a plan each, with their service's fields", function()
      local built = run({
        services = { {
          name = "echo", host = "h", port = 8080, path = "/base", retries = 2, connect_timeout = 10,
          write_timeout = 20, read_timeout = 30,
        } },
        routes = { {
          name = "r", service = SERVICE, preserve_host = true, strip_path = false,
          protocols = { "https" }, https_redirect_status_code = 301,
        } },
      })
      local plan = plan_of(built, 1)
      assert.equal(0, plan.upstream)
      assert.equal(0, plan.tls)
      assert.is_nil(plan.policy)
      assert.is_nil(plan.error)
      assert.equal(1, plan.preserve_host)
      assert.equal(0, plan.strip_path)
      assert.equal(2, plan.protocols)
      assert.equal(301, plan.https_redirect_status)
      assert.same({ 2, 10, 20, 30 },
        { plan.retries, plan.connect_timeout, plan.write_timeout, plan.read_timeout })
      assert.same({ "/base", "h", 8080, "echo", "services-1", "r", "routes-1" }, {
        plan.service_path, plan.service_host, plan.service_port, plan.service_name,
        plan.service_id, plan.route_name, plan.route_id,
      })
    end)

    it("pass on what they match", function()
      local built = run({
        routes = { {
          hosts = { "a.example", "*.b" }, paths = { "/x", "~/y$" }, methods = { "GET" },
          snis = { "s.example" }, headers = { ["X-B"] = { "1", "2" }, ["X-A"] = { "3" } },
          regex_priority = 7,
        } },
      })
      assert.same({
        plan = 2, id = "routes-1", regex_priority = 7, hosts = { "a.example", "*.b" },
        paths = { "/x", "~/y$" }, methods = { "GET" }, snis = { "s.example" },
        headers = { ["X-B"] = { "1", "2" }, ["X-A"] = { "3" } },
      }, built.routes[1])
    end)

    it("without a service have no upstream", function()
      local built = run({ routes = { {} } })
      assert.equal(-1, plan_of(built, 1).upstream)
    end)

    it("of a disabled service are left out", function()
      local built = run({
        services = { { enabled = false }, {} },
        routes = { { service = SERVICE }, { service = { id = "services-2" } } },
      })
      assert.equal(1, #built.routes)
      assert.equal("routes-2", built.routes[1].id)
    end)
  end)

  describe("upstreams", function()
    it("have their targets, and defaults", function()
      local built = run({
        upstreams = { { name = "u", host_header = "h.example" }, { name = "empty" } },
        targets = {
          { upstream = { id = "upstreams-1" }, target = "127.0.0.1:9000", weight = 5 },
          { upstream = { id = "upstreams-1" }, target = "name.example" },
          { upstream = { id = "upstreams-1" }, target = "[::1]:9001", weight = 0 },
        },
      })
      assert.same({
        { name = "u", host_header = "h.example" }, { name = "empty", host_header = "" },
      }, built.upstreams)
      assert.same({
        { upstream = 0, host = "127.0.0.1", port = 9000, weight = 5 },
        { upstream = 0, host = "name.example", port = 8000, weight = 100 },
        { upstream = 0, host = "::1", port = 9001, weight = 0 },
      }, built.targets)
    end)

    it("are found by the service's host", function()
      local built = run({
        upstreams = { { name = "other" }, { name = "u" } },
        services = { { host = "u", port = 1 } },
        routes = { { service = SERVICE } },
      })
      assert.equal(1, plan_of(built, 1).upstream)
      assert.equal(2, #built.upstreams)
    end)

    it("are made for hosts that are none, one per host and port", function()
      local built = run({
        services = { { host = "h", port = 1 }, { host = "h", port = 1 }, { host = "h", port = 2 } },
        routes = {
          { service = SERVICE }, { service = { id = "services-2" } },
          { service = { id = "services-3" } },
        },
      })
      assert.same({ { name = "h" }, { name = "h" } }, built.upstreams)
      assert.equal(plan_of(built, 1).upstream, plan_of(built, 2).upstream)
      assert.not_equal(plan_of(built, 1).upstream, plan_of(built, 3).upstream)
      assert.same({ upstream = 1, host = "h", port = 2, weight = 100 }, built.targets[2])
    end)
  end)

  describe("plugins", function()
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

  describe("what workers are told", function()
    it("has no private keys and no configuration text", function()
      local _, _, _, blob = run({
        certificates = { { cert = "C", key = "K", key_alt = "K2" } },
        services = { {} }, routes = { { service = SERVICE } },
      })
      assert.same({ id = "certificates-1", cert = "C" },
        blob.entities.certificates["certificates-1"])
      assert.is_nil(blob.settings.declarative_config_string)
      assert.equal("node", blob.settings.node_id)
      assert.same({ route_id = "routes-1", service_id = "services-1" }, blob.plans[2])
      assert.equal("backend.example", blob.entities.services["services-1"].host)
    end)

    it("has secrets where plugins run, and references where entities are shown", function()
      local ref = "{vault://env/x}"
      local entities = {
        referring = { { "plugins", "plugins-1" }, { "certificates", "certificates-1" } },
        plugins = { { name = "one", config = { secret = "s", ["$refs"] = { secret = ref } } } },
        certificates = { { cert = "C", key = "K", ["$refs"] = { cert = ref } } },
      }
      local _, _, _, blob = run(entities, { "one" })
      assert.same({ secret = "s", ["$refs"] = { secret = ref } }, blob.plugins[1].conf)
      assert.same({ secret = ref }, blob.entities.plugins["plugins-1"].config)
      assert.same({ id = "certificates-1", cert = ref },
        blob.entities.certificates["certificates-1"])
    end)
  end)

  describe("settings", function()
    it("reach the core in its units", function()
      local built = run({})
      assert.same({
        keepalive_pool_size = 512, keepalive_idle_timeout_ms = 60000, session_reuse = 1,
        tls_handshakes_max = 64,
        access_log = 1, error_default_type = 2, header_server = 1, header_via = 1,
        header_upstream_status = 0, header_request_id = 1, client_header_timeout_ms = 1500,
        trusted_ips = { "10.0.0.0/8", "::1" }, real_ip_header = "X-Real-IP",
      }, built.settings)
    end)

    it("that name a certificate make it the default", function()
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write("PEM")
      file:close()
      local built = run({}, {}, { ssl_cert = { path }, ssl_cert_key = { path } })
      assert.same({ { sni = "*", credential = { cert = "PEM", key = "PEM" } } }, built.certificates)
      os.remove(path)
      local _, why, builder = run({}, {}, { ssl_cert = { path }, ssl_cert_key = { path } })
      assert.is_nil(builder)
      assert.matches("No such file", why)
    end)
  end)

  it("warns of listeners with TLS that have nothing to show", function()
    local listening = {
      proxy_listen = {
        { host = "0.0.0.0", port = 8000 }, { host = "0.0.0.0", port = 8443, ssl = true },
      },
    }
    local _, problems, builder = run({}, {}, listening)
    assert.is_table(builder)
    assert.same({ { severity = "warning", message = "proxy_listen: there is no certificate to show "
      .. "where the flag is ssl, so that no client can connect there; set ssl_cert and "
      .. "ssl_cert_key, or give certificates snis" } }, problems)
    _, problems = run({
      certificates = { { cert = "C", key = "K" } },
      snis = { { name = "a.example", certificate = { id = "certificates-1" } } },
    }, {}, listening)
    assert.same({}, problems)
  end)

  it("hands certificates over by name", function()
    local built = run({
      certificates = { { cert = "C", key = "K" } },
      snis = { { name = "a.example", certificate = { id = "certificates-1" } },
        { name = "*", certificate = { id = "certificates-1" } } },
    })
    assert.same({
      { sni = "a.example", credential = { cert = "C", key = "K" } },
      { sni = "*", credential = { cert = "C", key = "K" } },
    }, built.certificates)
  end)

  it("refuses as a whole what the core refuses", function()
    local _, why, builder = run({
      certificates = { { cert = "bad", key = "K" } },
      snis = { { name = "a.example", certificate = { id = "certificates-1" } } },
    })
    assert.is_nil(builder)
    assert.equal("certificate 'certificates-1': certificate does not match key", why)
  end)

  describe("folding", function()
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
end)
