-- The Admin API as its clients see it.

local cjson = require("cjson")
local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")
local admin = require("weir.admin")

local function service(id, name)
  return { id = id, name = name, host = "h", port = 80 }
end

local function entities()
  return {
    services = { s2 = service("s2", "two"), s1 = service("s1", "one") },
    routes = {}, upstreams = {}, snis = {}, ca_certificates = {},
    plugins = { p = { id = "p", name = "echo", instance_name = "mine" } },
    certificates = { c = { id = "c", cert = "PEM" } },
  }
end

describe("weir.admin", function()
  before_each(function()
    fake.install()
    pdk.install({
      plugins = { "echo", "absent" }, node_id = "the-node", ssl_cert_key = { "/secret/place" },
      log_level = "notice",
    })
    current.generation = {
      entities = entities(), plans = { [1] = {} }, services = {}, settings = { plugins = {} },
      loaded_at = 1500000000,
    }
  end)

  local function ask(path, method, query)
    fake.request = fake.new_request({
      phase = "access", texts = {
        REQUEST_PATH_NORMAL = path, REQUEST_METHOD = method or "GET", REQUEST_QUERY = query,
      },
    })
    assert.is_true(fake.run(admin.access, admin, {}))
    local exit = fake.request.exit
    assert.same({ "application/json; charset=utf-8" }, fake.header("RESPONSE", "Content-Type"))
    return exit.status, cjson.decode(exit.body), exit.body
  end

  it("tells what it is", function()
    local status, answer = ask("/")
    assert.equal(200, status)
    assert.equal("the-node", answer.node_id)
    assert.equal("host.example", answer.hostname)
    assert.equal("9.8.7", answer.weir_version)
    assert.same({ "echo" }, answer.plugins.enabled_in_cluster)
    assert.equal("1.0.0", answer.plugins.available_on_server.echo.version)
    assert.is_nil(answer.plugins.available_on_server.absent)
    assert.equal("notice", answer.configuration.log_level)
    assert.equal("******", answer.configuration.ssl_cert_key)
  end)

  it("tells its status in Kong's shape", function()
    fake.counters = {
      connections_accepted = 5, connections_active = 2, requests_total = 9, serial = 3,
      tls_handshakes_full = 1, upstream_connections_idle = 4,
      configuration_hash = "abcdef", policies = 2, tls_handshakes_waiting = 7,
      tls_verdicts = { { 8, 0, 3 }, { 0, 5 }, {} },
    }
    local status, answer = ask("/status")
    assert.equal(200, status)
    assert.equal(5, answer.server.connections_accepted)
    assert.equal(2, answer.server.connections_active)
    assert.equal(9, answer.server.total_requests)
    assert.is_true(answer.database.reachable)
    assert.equal("abcdef", answer.configuration_hash)
    assert.equal(3, answer.configuration.serial)
    assert.equal(1, answer.tls.handshakes_full)
    assert.equal(7, answer.tls.handshakes_waiting)
    assert.equal(4, answer.tls.connections_idle)
    assert.equal(2, answer.tls.policies)
    assert.same({ enforce = { ok = 8, expired = 3 }, off = { unverified = 5 }, report = {} },
      answer.tls.verdicts)
  end)

  it("tells what memory is used for, in the unit that is asked for", function()
    fake.lua_bytes = { [0] = 3 * 1024 * 1024, 1024 }
    local function memory(query)
      local status, answer = ask("/status", "GET", query)
      return status, answer.memory or answer.message
    end
    local status, answer = memory()
    assert.equal(200, status)
    assert.same({
      { pid = 4711, http_allocated_gc = "3.00 MiB" },
      { pid = 4711, http_allocated_gc = "0.00 MiB" },
    }, answer.workers_lua_vms)
    assert.equal("5.00 MiB", answer.lua_shared_dicts.kong.capacity)
    assert.equal("3072.0 KiB", select(2, memory("unit=k&scale=1")).workers_lua_vms[1]
      .http_allocated_gc)
    assert.equal(5242880, select(2, memory("unit=B")).lua_shared_dicts.kong.capacity)
    assert.same({ 400, "invalid unit 'V' (expected 'k/K', 'm/M', or 'g/G')" },
      { memory("unit=V") })
    assert.same({ 400, "scale must be equal or greater than 0" }, { memory("scale=-1") })
  end)

  describe("of entities", function()
    local function id(number)
      return ("00000000-0000-4000-8000-%012d"):format(number)
    end

    before_each(function()
      local shown = current.generation.entities
      shown.services = {
        [id(2)] = service(id(2), "two"), [id(1)] = service(id(1), "one"),
        [id(3)] = service(id(3), "three"),
      }
      shown.services[id(3)].tags, shown.services[id(1)].tags = { "a", "b" }, { "a" }
      shown.routes = { [id(4)] = { id = id(4), service = { id = id(2) } } }
      shown.plugins = { [id(5)] = { id = id(5), name = "echo", instance_name = "mine" } }
      shown.certificates = { [id(6)] = { id = id(6), cert = "PEM" } }
      shown.consumers = { [id(7)] = { id = id(7), username = "ann" } }
      shown.vaults = { [id(8)] = { id = id(8), prefix = "env-1" } }
      shown.targets = { [id(9)] = { id = id(9), upstream = { id = id(10) }, target = "a:1" } }
      shown.upstreams = { [id(10)] = { id = id(10), name = "up" } }
    end)

    local function names_of(answer)
      local names = {}
      for i, entity in ipairs(answer.data) do
        names[i] = entity.name
      end
      return names
    end

    it("lists them by id", function()
      local status, answer = ask("/services")
      assert.equal(200, status)
      assert.same({ "one", "two", "three" }, names_of(answer))
      assert.equal(1500000000, answer.data[1].created_at)
      assert.equal(cjson.null, answer.next)
      assert.equal(200, (ask("/services/")))
    end)

    it("lists them in pages, each of which says where the next one is", function()
      local _, answer = ask("/services", "GET", "size=2")
      assert.same({ "one", "two" }, names_of(answer))
      assert.equal(id(3), answer.offset)
      assert.equal("/services?offset=" .. id(3) .. "&size=2", answer.next)
      _, answer = ask("/services", "GET", answer.next:match("%?(.*)"))
      assert.same({ "three" }, names_of(answer))
      assert.equal(cjson.null, answer.next)
      assert.is_nil(answer.offset)
    end)

    it("refuses pages that there cannot be", function()
      for query, message in pairs({
        ["size=0"] = "size must be an integer between 1 and 1000",
        ["size=x"] = "size must be an integer between 1 and 1000",
        ["offset=x"] = "'x' is not a valid offset: no such entity",
      }) do
        local status, answer = ask("/services", "GET", query)
        assert.equal(400, status)
        assert.equal(message, answer.message)
      end
    end)

    it("lists those with tags", function()
      assert.same({ "one", "three" }, names_of(select(2, ask("/services", "GET", "tags=a"))))
      assert.same({ "three" }, names_of(select(2, ask("/services", "GET", "tags=a,b"))))
      assert.same({ "one", "three" }, names_of(select(2, ask("/services", "GET", "tags=b/a"))))
    end)

    it("writes an empty list as a list", function()
      local _, _, text = ask("/snis")
      assert.equal('{"data":[],"next":null}', text)
    end)

    it("finds one by id or by what names it", function()
      for path, name in pairs({
        ["/services/" .. id(2)] = "name", ["/services/two"] = "name",
        ["/plugins/mine"] = "instance_name", ["/certificates/" .. id(6)] = "cert",
        ["/consumers/ann"] = "username", ["/vaults/env-1"] = "prefix",
      }) do
        local status, answer = ask(path)
        assert.equal(200, status, path)
        assert.is_string(answer[name], path)
      end
    end)

    it("lists those that refer to one", function()
      for path, number in pairs({
        ["/services/two/routes"] = 4, ["/upstreams/up/targets"] = 9,
      }) do
        local status, answer = ask(path)
        assert.equal(200, status, path)
        assert.equal(1, #answer.data)
        assert.equal(id(number), answer.data[1].id)
      end
      assert.same({}, select(2, ask("/services/one/routes")).data)
    end)

    for _, path in ipairs({
      "/services/none", "/nothing", "/services/none/routes", "/services/one/targets",
      "/services/one/nothing", "/services/one/routes/x", "/keyauth_credentials", "/Services", "",
    }) do
      it("has nothing at '" .. path .. "'", function()
        local status, answer = ask(path)
        assert.equal(404, status)
        assert.same({ message = "Not found" }, answer)
      end)
    end
  end)

  it("says which plugins may be used", function()
    assert.same({ enabled_plugins = { "echo", "absent" } }, select(2, ask("/plugins/enabled")))
  end)

  describe("of verification", function()
    before_each(function()
      local generation = current.generation
      generation.entities.routes = { r1 = { id = "r1", name = "first" }, r2 = { id = "r2" } }
      generation.plans = {
        [0] = {}, [1] = {},
        [2] = { route_id = "r1", service_id = "s1", effective = 1, judges = { "spiffe" } },
        [3] = { route_id = "r2", service_id = "s1", error = "no such CA", targets = {
          { target = "10.0.0.1:443", effective = 2 }, { target = "[::1]:443", error = "no key" },
        } },
      }
      generation.services = { s2 = { service_id = "s2", effective = 2 } }
      generation.effective = { {
        policy = "abcd", mode = "enforce", fields = {
          { name = "mode", value = "enforce", origin = "service.tls_verify" },
          { name = "ca_certificates", value = {}, origin = "upstream-tls (route)" },
          { name = "pins", origin = "default" },
          { name = "strict", value = false, origin = "default" },
        },
      }, {
        policy = "ef01", mode = "report", fields = {
          { name = "mode", value = "report", origin = "upstream-tls (global, target 10.0.0.1)" },
        },
      } }
    end)

    it("shows a route's effective policy and where each value is from", function()
      local status, answer, text = ask("/routes/first/tls")
      assert.equal(200, status)
      assert.same({ id = "r1" }, answer.route)
      assert.same({ id = "s1" }, answer.service)
      assert.equal("abcd", answer.policy)
      assert.equal("enforce", answer.mode)
      assert.equal(cjson.null, answer.error)
      assert.same({ "spiffe" }, answer.judges)
      assert.same({ name = "mode", value = "enforce", origin = "service.tls_verify" },
        answer.fields[1])
      assert.matches('"name":"ca_certificates","value":[],', text, 1, true)
      assert.equal(cjson.null, answer.fields[3].value)
      assert.is_false(answer.fields[4].value)
    end)

    it("shows those of a service's routes", function()
      local status, answer = ask("/services/one/tls")
      assert.equal(200, status)
      assert.equal("r1", answer.data[1].route.id)
      assert.equal("no such CA", answer.data[2].error)
      assert.equal(cjson.null, answer.data[2].policy)
      assert.same({}, answer.data[2].judges)
    end)

    it("shows the targets that differ", function()
      local _, answer, text = ask("/routes/r2/tls")
      assert.equal("no such CA", answer.error)
      assert.equal(2, #answer.targets)
      assert.same({
        target = "10.0.0.1:443", error = cjson.null, policy = "ef01", mode = "report", fields = { {
          name = "mode", value = "report", origin = "upstream-tls (global, target 10.0.0.1)",
        } },
      }, answer.targets[1])
      assert.same({ "[::1]:443", "no key", cjson.null },
        { answer.targets[2].target, answer.targets[2].error, answer.targets[2].policy })
      assert.matches('"fields":[]', text, 1, true)
      _, answer, text = ask("/routes/first/tls")
      assert.same({}, answer.targets)
      assert.matches('"targets":[]}', text, 1, true)
    end)

    it("shows what would hold for a service without routes", function()
      local status, answer = ask("/services/two/tls")
      assert.equal(200, status)
      assert.equal(1, #answer.data)
      assert.same({ cjson.null, { id = "s2" }, "ef01", "report" }, {
        answer.data[1].route, answer.data[1].service, answer.data[1].policy, answer.data[1].mode,
      })
    end)

    it("has none of what is not there, and changes nothing", function()
      assert.equal(404, (ask("/services/none/tls")))
      assert.equal(404, (ask("/routes/none/tls")))
      assert.equal(404, (ask("/plugins/p/tls")))
      assert.equal(405, (ask("/services/one/tls", "PUT")))
    end)
  end)

  local verbs = { POST = "create", PUT = "create or update", PATCH = "update", DELETE = "remove" }
  for method, verb in pairs(verbs) do
    it("does not " .. verb, function()
      local status, answer = ask("/services", method)
      assert.equal(405, status)
      assert.same({
        code = 12, name = "operation unsupported",
        message = "cannot " .. verb .. " 'services' entities when not using a database",
      }, answer)
      status, answer = ask("/status", method)
      assert.equal(405, status)
      assert.same({ message = "Method not allowed" }, answer)
    end)
  end

  describe("on what was seen last", function()
    local BLOCK = "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n"

    local function peer(number, more)
      local made = {
        number = number, service_id = "s" .. number, ip = "10.0.0.1", port = 443, at = 1700000000,
        name = "a.example", chain = BLOCK:format("leaf") .. BLOCK:format("inter"),
        verdict = { code = "ok", depth = -1, policy = "p" .. number, mode = "enforce" },
      }
      for field, value in pairs(more or {}) do
        made[field] = value
      end
      return made
    end

    local function seen(list, query, method)
      fake.seen = list
      fake.request = fake.new_request({ phase = "access", texts = {
        REQUEST_PATH_NORMAL = "/tls/last-seen", REQUEST_METHOD = method or "GET",
        REQUEST_QUERY = query or "",
      } })
      assert.is_true(fake.run(admin.access, admin, {}))
      local exit = fake.request.exit
      return exit.status, cjson.decode(exit.body), exit.body
    end

    it("shows each peer with chain and verdict", function()
      local status, answer = seen({ peer(7, {
        service_name = "one", route_id = "r", route_name = "front", sni = "b.example",
      }), peer(9, { service_id = "", name = "" }) })
      assert.equal(200, status)
      assert.same({
        service = { id = "s7", name = "one" }, route = { id = "r", name = "front" },
        peer = { ip = "10.0.0.1", port = 443, name = "a.example", sni = "b.example" },
        time = 1700000000,
        verdict = {
          code = "ok", openssl = 0, policy = "p7", mode = "enforce", resumed = false,
          cached = false,
        },
        chain = { BLOCK:format("leaf"), BLOCK:format("inter") },
      }, answer.data[1])
      assert.same({ cjson.null, cjson.null }, { answer.data[2].service, answer.data[2].route })
      assert.same({ ip = "10.0.0.1", port = 443 }, answer.data[2].peer)
      assert.equal(cjson.null, answer.next)
    end)

    it("is an empty list before anything was", function()
      assert.equal('{"data":[],"next":null}', (select(3, seen({}))))
    end)

    it("comes in pages", function()
      local list = { peer(1), peer(4), peer(5) }
      local _, first = seen(list, "size=2")
      assert.equal(2, #first.data)
      local _, second = seen(list, first.next:match("^/tls/last%-seen%?(.*)$"))
      assert.equal("p5", second.data[1].verdict.policy)
      assert.equal(1, #second.data)
      assert.equal(cjson.null, second.next)
      assert.equal(cjson.null, (select(2, seen(list, "size=3"))).next)
    end)

    it("refuses pages that there cannot be", function()
      for _, query in ipairs({
        "size=0", "size=1025", "size=x", "size", "offset=-1", "offset=a", "offset=1e3",
      }) do
        local status, answer = seen({ peer(1) }, query)
        assert.equal(400, status, query)
        assert.is_string(answer.message)
      end
      assert.equal(405, (seen({}, "", "POST")))
    end)
  end)

  describe("what plugins bring along", function()
    local MODULE = "kong.plugins.%s.api"

    local function bring(plugin, make)
      package.preload[MODULE:format(plugin)] = make
      finally(function()
        package.preload[MODULE:format(plugin)] = nil
      end)
      pdk.install({ plugins = { plugin } })
    end

    it("answers where weir itself has nothing", function()
      bring("pages", function()
        local function answer(self)
          return kong.response.exit(200, { name = self.params.name })
        end
        return { ["/pages/own"] = { GET = answer, POST = answer }, ["/status"] = { GET = error } }
      end)
      local status, answer = ask("/pages/own/", "POST", "name=kim")
      assert.equal(200, status)
      assert.equal("kim", answer.name)
      assert.equal(200, (ask("/pages/own", "HEAD")))
      assert.equal(405, (ask("/pages/own", "DELETE")))
      assert.equal(404, (ask("/pages")))
      assert.equal(200, (ask("/status")))
    end)

    it("is refused where it is no function", function()
      bring("daos", function()
        return { ["/daos"] = { schema = {}, methods = { GET = error } } }
      end)
      assert.equal(405, (ask("/daos")))
    end)

    it("is missing when it cannot be loaded, and the log says why", function()
      bring("broken", function()
        error("deliberate", 0)
      end)
      assert.equal(404, (ask("/broken")))
      assert.matches("deliberate", fake.log[#fake.log].text)
    end)
  end)
end)
