-- From entities to plans: routes, upstreams, settings, certificates, and what is refused.

require("spec.support.fake_abi").install()
local compiling = require("spec.support.compiling")

local run, plan_of, chain_of = compiling.run, compiling.plan_of, compiling.chain_of
local SERVICE = compiling.SERVICE

local REWRITE, ACCESS, HEADER, LOG = 1, 2, 4, 16

describe("weir.compile", function()
  before_each(compiling.begin)

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

  it("refuses what there is no room for", function()
    local bounds = require("weir.bounds")
    local has_room = bounds.has_room
    finally(function() bounds.has_room = has_room end)
    bounds.has_room = function() return nil, "too much" end
    local _, why, builder = run({ services = { {} } })
    assert.is_nil(builder)
    assert.equal("too much", why)
  end)
end)
