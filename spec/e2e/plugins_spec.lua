-- Plugins in the running gateway: phases, order, precedence, failures, and the ones that ship.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local SETTINGS = { plugins = "bundled,raiser,tracer", plugin_path = "spec/fixtures/plugins" }

local function tracer(mark, more)
  local fields = more or {}
  fields.mark = mark
  return { name = "tracer", config = fields }
end

describe("plugins", function()
  local peer, gateway

  setup(function()
    peer = upstreams.peer({ main = {} })
    local port = peer.ports.main
    local function with(...)
      return { port = port, plugins = { ... } }
    end
    local services = {
      bare = { port = port },
      service = with(tracer("service")),
      route = with(tracer("service")),
      exit = with(tracer("exit", { exit = 418 })),
      change = with(tracer("change", {
        headers = { ["X-New"] = "new", Host = "changed.example" },
        path = "/other path", query = "a=b",
      })),
      body = with(tracer("body", { body = "replaced " })),
      terminated = with({ name = "request-termination", config = {
        status_code = 403, message = "So long",
      } }),
      ["terminated-body"] = with({ name = "request-termination", config = {
        status_code = 503, content_type = "text/x-own", body = "<own>",
      } }),
      correlated = with({ name = "correlation-id", config = {
        header_name = "X-Own-Id", generator = "uuid", echo_downstream = true,
      } }),
      counted = with({ name = "correlation-id", config = {
        header_name = "X-Own-Id", generator = "uuid#counter", echo_downstream = false,
      } }),
      echo = with({ name = "echo" }),
      off = with({ name = "request-termination", enabled = false }),
    }
    for _, phase in ipairs({ "access", "header_filter", "body_filter", "log" }) do
      services["raise-" .. phase] = with({ name = "raiser", config = { phase = phase } })
    end
    services["raise-table"] = with({ name = "raiser", config = {
      phase = "access", as_table = true,
    } })
    local document = config.build(services, { plugins = { tracer("global") } })
    for _, service in ipairs(document.services) do
      if service.name == "route" then
        service.routes[1].plugins = { tracer("route") }
      end
    end
    gateway = helpers.gateway({
      config = document, settings = SETTINGS,
      env = { NODE_NAME = "n1", POD_NAME = "p1", POD_NAMESPACE = "ns1", POD_IP = "10.0.0.1" },
    })
  end)
  teardown(helpers.stop_all)

  local function get(path, more)
    local request = more or {}
    request.path, request.host = path, "x.example"
    return gateway:get(request)
  end

  describe("configuration", function()
    local cases = {
      { "global where nothing nearer is", "/bare", "global" },
      { "of the service before global", "/service", "service" },
      { "of the route before the service", "/route", "route" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local trace = get(case[2]).headers["x-trace"]
        assert.equal(("rewrite=global,access=%s,header_filter=%s"):format(case[3], case[3]), trace)
      end)
    end
  end)

  it("run in the log phase, with what they kept", function()
    local id = get("/service").headers["x-kong-request-id"]
    local line = gateway:wait_line("trace rewrite=global,access=service,header_filter=service,"
      .. "log=service status 200 count %d")
    assert.matches("%[tracer%]", line)
    assert.is_string(id)
  end)

  it("see the request", function()
    local seen = get("/service/a%7Eb?q=1&r").headers["x-seen"]
    assert.equal("GET /service/a~b q=1&r x.example http 127.0.0.1 1", seen)
  end)

  it("know where the response comes from", function()
    assert.equal("service", get("/service").headers["x-source"])
    assert.equal("exit", get("/exit").headers["x-source"])
  end)

  it("change the request to the service", function()
    local seen = cjson.decode(get("/change").body)
    assert.equal("/other%20path?a=b", seen.target)
    assert.equal("new", seen.headers["x-new"])
    assert.equal("changed.example", seen.headers.host)
  end)

  it("answer instead of the service", function()
    local before = peer:count("request")
    local response = get("/exit")
    assert.equal(418, response.status)
    assert.equal("yes", response.headers["x-exit"])
    assert.equal("exit", cjson.decode(response.body).mark)
    assert.equal(before, peer:count("request"))
  end)

  it("answer and keep the connection for the next request", function()
    local raw = gateway:connect()
    raw:send("POST /exit HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
    assert.equal(418, raw:response().status)
    raw:send("GET /bare HTTP/1.1\r\nHost: x\r\n\r\n")
    assert.equal(200, raw:response().status)
    raw:close()
  end)

  it("replace the body of the response", function()
    assert.equal("replaced 300000", get("/body/bytes/300000").body)
  end)

  describe("that fail", function()
    after_each(function()
      assert.equal(200, get("/bare").status)
    end)

    it("in access give 500 and say plugin, phase and place", function()
      local response = get("/raise-access")
      assert.equal(500, response.status)
      assert.equal('{"message":"An unexpected error occurred"}', response.body)
      local id = response.headers["x-kong-request-id"]
      gateway:wait_line("raiser.*access.*deliberate failure")
      assert.is_true(#gateway:lines("%[error%]", id) >= 1)
      assert.matches("handler%.lua:%d+", gateway:logs())
      assert.matches("stack traceback", gateway:logs())
    end)

    it("in header_filter give 500", function()
      assert.equal(500, get("/raise-header_filter").status)
      gateway:wait_line("raiser.*header_filter.*deliberate failure")
    end)

    it("in body_filter never pass a broken body off as whole", function()
      local response = get("/raise-body_filter")
      assert.is_true(response.status == 500 or response.exit ~= 0)
      gateway:wait_line("raiser.*body_filter.*deliberate failure")
    end)

    it("in log do not hurt the response", function()
      assert.equal(200, get("/raise-log").status)
      gateway:wait_line("raiser.*log.*deliberate failure")
    end)

    it("with something that is no string are reported, too", function()
      assert.equal(500, get("/raise-table").status)
    end)

    it("a hundred times take nothing down", function()
      local pid = gateway:worker_pid()
      local paths = {}
      for i = 1, 100 do
        paths[i] = "/raise-access"
      end
      assert.equal(500, get(paths).status)
      assert.equal(pid, gateway:worker_pid())
    end)
  end)

  describe("request-termination", function()
    it("answers with its message", function()
      local response = get("/terminated")
      assert.equal(403, response.status)
      assert.equal("So long", cjson.decode(response.body).message)
      assert.equal("application/json; charset=utf-8", response.headers["content-type"])
    end)

    it("answers with its own body and type", function()
      local response = get("/terminated-body")
      assert.equal(503, response.status)
      assert.equal("<own>", response.body)
      assert.equal("text/x-own", response.headers["content-type"])
    end)

    it("does nothing when it is not enabled", function()
      assert.equal(200, get("/off").status)
    end)
  end)

  describe("correlation-id", function()
    it("makes an id and echoes it", function()
      local response = get("/correlated")
      local id = response.headers["x-own-id"]
      assert.matches("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$", id)
      assert.equal(id, cjson.decode(response.body).headers["x-own-id"])
      assert.not_equal(id, get("/correlated").headers["x-own-id"])
    end)

    it("keeps the client's id", function()
      local response = get("/correlated", { headers = { ["X-Own-Id"] = "mine" } })
      assert.equal("mine", response.headers["x-own-id"])
    end)

    it("counts without echoing", function()
      local first, second = get("/counted"), get("/counted")
      assert.is_nil(first.headers["x-own-id"])
      local one = cjson.decode(first.body).headers["x-own-id"]:match("#(%d+)$")
      local two = cjson.decode(second.body).headers["x-own-id"]:match("#(%d+)$")
      assert.equal(tonumber(one) + 1, tonumber(two))
    end)
  end)

  it("echo answers like go-echo", function()
    local text = "Welcome, you are connected to node n1.\nRunning on Pod p1.\nIn namespace ns1.\n"
      .. "With IP address 10.0.0.1.\n"
    assert.equal(text, get("/echo").body:sub(1, #text))
    assert.not_matches("HTTPS", get("/echo").body)
    assert.matches("hello\n$", get("/echo", { body = "hello" }).body)
  end)
end)

describe("a plugin that cannot be loaded", function()
  teardown(helpers.stop_all)

  it("stops the start and is named", function()
    local file = helpers.write(helpers.directory() .. "/weir.yml", '_format_version: "3.0"\n')
    local result = helpers.run({
      helpers.binary(), "run", file, "--proxy-listen", "127.0.0.1:" .. helpers.free_port(),
      "--admin-listen", "off", "--set", "plugins=bundled,no-such-plugin",
    })
    assert.not_equal(0, result.code)
    assert.matches("no%-such%-plugin plugin is enabled but not installed", result.stderr)
  end)

  it("says all that it asks for and weir does not have", function()
    local folder = helpers.directory()
    assert(os.execute(("mkdir -p '%s/asking'"):format(folder)))
    helpers.write(folder .. "/asking/handler.lua",
      "kong.nothing.get()\nngx.nothing()\nreturn { PRIORITY = 1, VERSION = '1.0.0' }")
    helpers.write(folder .. "/asking/schema.lua", "return { name = 'asking', fields = {} }")
    local file = helpers.write(folder .. "/weir.yml", '_format_version: "3.0"\n')
    local result = helpers.run({
      helpers.binary(), "run", file, "--proxy-listen", "127.0.0.1:" .. helpers.free_port(),
      "--admin-listen", "off", "--set", "plugins=asking", "--set", "plugin_path=" .. folder,
    })
    assert.not_equal(0, result.code)
    assert.matches("handler.lua:1: there is no kong.nothing\n", result.stderr)
    assert.matches("handler.lua:2: there is no ngx.nothing\n", result.stderr)
    assert.matches("1 plugin cannot be loaded\n", result.stderr)
  end)
end)

describe("a plugin on lua_package_path", function()
  teardown(helpers.stop_all)

  it("is found under Kong's module names", function()
    local folder = helpers.directory()
    assert(os.execute(("mkdir -p '%s/kong/plugins/mine'"):format(folder)))
    local function write(part, text)
      helpers.write(("%s/kong/plugins/mine/%s.lua"):format(folder, part), text)
    end
    write("words", "return { hello = 'from a module of its own' }")
    write("handler", "local words = require('kong.plugins.mine.words')\n"
      .. "return { PRIORITY = 1, VERSION = '1.0.0',\n"
      .. "  access = function() kong.response.exit(200, words.hello) end }")
    write("schema", "return { name = 'mine', fields = { { config = { type = 'record', "
      .. "fields = {} } } } }")
    local gateway = helpers.gateway({
      config = { _format_version = "3.0", plugins = { { name = "mine" } },
        routes = { { name = "r", paths = { "/" } } } },
      settings = { plugins = "bundled,mine", lua_package_path = folder .. "/?.lua;;" },
    })
    assert.equal("from a module of its own", gateway:get("/").body)
  end)
end)
