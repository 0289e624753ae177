-- kong.log.serialize and set_serialize_value.

local fake = require("spec.support.fake_abi").install()
local cjson = require("cjson")
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")

local ROUTE = { id = "r1", name = "the-route", paths = { "/a" } }
local SERVICE = { id = "s1", name = "the-service", host = "h.example" }

local BEGAN = 1700000000100

local function tries()
  return {
    {
      ip = "10.0.0.1", port = 8443, status = 502, failure = "tls_verify", began_ns = BEGAN * 1e6,
      chosen_in_ns = 2500000,
      verdict = { code = "expired", openssl = 10, depth = 1, mode = "enforce", subject = "CN=x" },
    },
    { ip = "10.0.0.2", port = 8080, began_ns = (BEGAN + 5) * 1e6, chosen_in_ns = 400 },
  }
end

local function texts(more)
  local result = {
    REQUEST_METHOD = "POST", REQUEST_TARGET = "/a%20b?x=1&y", REQUEST_QUERY = "x=1&y",
    REQUEST_HOST = "Example.com:8000", REQUEST_ID = "0123", CLIENT_FORWARDED_IP = "192.0.2.7",
    SERVICE_TARGET_OUT = "/up?x=1&y",
  }
  for name, value in pairs(more or {}) do
    result[name] = value
  end
  return result
end

local function numbers(more)
  local result = {
    REQUEST_PLAN = 3, REQUEST_IS_TLS = 0, REQUEST_PORT = 8000, REQUEST_BYTES = 120,
    REQUEST_START_MS = BEGAN - 1, RESPONSE_STATUS = 200, RESPONSE_SENT = 1, RESPONSE_SOURCE = 1,
    RESPONSE_BYTES = 10, RESPONSE_HEAD_BYTES = 90, SERVICE_STATUS = 201, LATENCY_REQUEST = 50,
    LATENCY_KONG = 20, LATENCY_UPSTREAM = 30, LATENCY_RECEIVE = 4,
  }
  for name, value in pairs(more or {}) do
    result[name] = value ~= "none" and value or nil
  end
  return result
end

describe("kong.log.serialize", function()
  local kong

  before_each(function()
    fake.install()
    kong = pdk.install({})
    current.slot = 1
    current.generation = {
      entities = { routes = { r1 = ROUTE }, services = { s1 = SERVICE } },
      plans = { [3] = { route_id = "r1", service_id = "s1" } },
    }
  end)
  after_each(function()
    current.release(1)
    current.slot, current.generation = 0, nil
  end)

  local function request(want)
    fake.request = fake.new_request({
      phase = want.phase or "log", texts = texts(want.texts), numbers = numbers(want.numbers),
      tried = want.tried or tries(),
      headers = want.headers or { ["User-Agent"] = "curl", ["X-Two"] = { "1", "2" } },
      headers_response = { ["Content-Type"] = "text/plain" },
    })
  end

  local function serialized(want)
    request(want or {})
    return kong.log.serialize()
  end

  it("tells the request and the response", function()
    local root = serialized()
    assert.same({
      id = "0123", uri = "/a%20b?x=1&y", url = "http://example.com:8000/a%20b?x=1&y",
      method = "POST", size = 120, querystring = { x = "1", y = true },
      headers = { ["user-agent"] = "curl", ["x-two"] = { "1", "2" } },
    }, root.request)
    assert.same({ status = 200, size = 100, headers = { ["content-type"] = "text/plain" } },
      root.response)
    assert.equal("curl", root.request.headers["User_Agent"])
    assert.equal("192.0.2.7", root.client_ip)
    assert.equal(BEGAN - 1, root.started_at)
    assert.same(ROUTE, root.route)
    assert.same(SERVICE, root.service)
    assert.equal("default", root.workspace_name)
    assert.equal("0dc6f45b-8f8d-40d2-a504-473544ee190b", root.workspace)
    assert.is_nil(root.consumer)
    assert.is_nil(root.authenticated_entity)
  end)

  it("gives each plugin an entry of its own", function()
    request({})
    local consumer = { id = "c1", tags = { "a" } }
    ngx.ctx.authenticated_consumer = consumer
    local root = kong.log.serialize()
    root.route.paths[1], root.service.name, root.consumer.tags[1] = "/x", "x", "x"
    local second = kong.log.serialize()
    assert.same({ ROUTE, SERVICE, { id = "c1", tags = { "a" } } },
      { second.route, second.service, second.consumer })
  end)

  it("asks what stands for kong and ngx", function()
    request({})
    local root = kong.log.serialize({
      kong = { request = setmetatable({ get_method = function() return "MINE" end },
        { __index = kong.request }) },
      ngx = { ctx = { service = { name = "mine" } }, status = 299, resp = ngx.resp },
    })
    assert.same({ "MINE", "mine", 299 },
      { root.request.method, root.service.name, root.response.status })
    assert.is_nil(root.route)
    assert.equal("/up?x=1&y", root.upstream_uri)
  end)

  it("tells what came from upstream, and how long it took", function()
    local root = serialized()
    assert.equal("/up?x=1&y", root.upstream_uri)
    assert.equal("502, 201", root.upstream_status)
    assert.equal("upstream", root.source)
    assert.same({ request = 50, kong = 20, proxy = 30, receive = 4 }, root.latencies)
  end)

  it("lists the tries", function()
    assert.same({
      {
        ip = "10.0.0.1", port = 8443, state = "failed", code = 502, failure = "tls_verify",
        balancer_start = BEGAN, balancer_start_ns = BEGAN * 1e6, balancer_latency = 2,
        balancer_latency_ns = 2500000,
      },
      {
        ip = "10.0.0.2", port = 8080, balancer_start = BEGAN + 5,
        balancer_start_ns = (BEGAN + 5) * 1e6, balancer_latency = 0, balancer_latency_ns = 400,
      },
    }, serialized().tries)
  end)

  it("has the verdict of each try that came to one", function()
    assert.same({ {
      try = 1, code = "expired", openssl = 10, depth = 1, mode = "enforce", subject = "CN=x",
      cached = false, resumed = false,
    } }, serialized().upstream_tls)
    local plain = tries()[2]
    assert.is_nil(serialized({ tried = { plain } }).upstream_tls)
    local first, second = tries()[1], tries()[1]
    second.verdict = { code = "ok", mode = "enforce" }
    local list = serialized({ tried = { first, plain, second } }).upstream_tls
    assert.equal(2, #list)
    assert.equal(3, list[2].try)
    assert.equal("ok", list[2].code)
  end)

  it("can do without an upstream", function()
    local root = serialized({
      tried = {}, texts = { SERVICE_TARGET_OUT = false },
      numbers = { RESPONSE_SOURCE = 2, SERVICE_STATUS = "none", LATENCY_UPSTREAM = "none",
        LATENCY_RECEIVE = "none", LATENCY_KONG = 50 },
    })
    assert.equal("kong", root.source)
    assert.same({}, root.tries)
    assert.equal("", root.upstream_uri)
    assert.equal("", root.upstream_status)
    assert.same({ request = 50, kong = 50, proxy = -1, receive = 0 }, root.latencies)
  end)

  it("says 499 of clients that left before the answer", function()
    assert.equal(499, serialized({ numbers = { RESPONSE_SENT = 0 } }).response.status)
    assert.equal("-", serialized({
      tried = { tries()[2] }, numbers = { RESPONSE_SENT = 0, SERVICE_STATUS = "none" },
    }).upstream_status)
  end)

  it("tells the client's TLS", function()
    local root = serialized({
      numbers = { REQUEST_IS_TLS = 1 },
      texts = { TLS_VERSION = "TLSv1.3", TLS_CIPHER = "TLS_AES_128_GCM_SHA256" },
    })
    assert.same({ version = "TLSv1.3", cipher = "TLS_AES_128_GCM_SHA256", client_verify = "NONE" },
      root.request.tls)
    assert.matches("^https://", root.request.url)
    request({ phase = "access" })
    kong.client.tls.set_client_verify("FAILED:expired")
    assert.equal("FAILED:expired", serialized({ numbers = { REQUEST_IS_TLS = 1 } })
      .request.tls.client_verify)
  end)

  it("tells who the client is", function()
    current.ctx("ngx").authenticated_consumer = { id = "c1", username = "bob" }
    current.ctx("ngx").authenticated_credential = { id = "k1", consumer_id = "c1", key = "secret" }
    local root = serialized()
    assert.same({ id = "k1", consumer_id = "c1" }, root.authenticated_entity)
    assert.equal("bob", root.consumer.username)
  end)

  it("keeps credentials in headers to itself", function()
    local headers = { Authorization = { "Basic x", "Basic y" }, ["Proxy-Authorization"] = "z" }
    local root = serialized({ headers = headers })
    assert.same({ authorization = "REDACTED", ["proxy-authorization"] = "REDACTED" },
      root.request.headers)
    assert.same({}, serialized({ headers = {} }).request.headers)
  end)

  it("is JSON", function()
    local decoded = cjson.decode(cjson.encode(serialized()))
    assert.equal("failed", decoded.tries[1].state)
    assert.equal("curl", decoded.request.headers["user-agent"])
  end)

  it("is there in the log phase", function()
    request({ phase = "access" })
    assert.has_error(function() kong.log.serialize() end,
      "function cannot be called in access phase (only in: log)")
  end)

  describe("with values of plugins", function()
    local function set(...)
      request({})
      kong.log.set_serialize_value(...)
    end

    local cases = {
      { "sets", { "own", 1 }, function(root) return root.own end, 1 },
      { "sets deep", { "a.b.c", "x" }, function(root) return root.a end, { b = { c = "x" } } },
      { "removes", { "request.uri", nil }, function(root) return root.request.uri end, nil },
      { "overwrites", { "response.status", 0 }, function(root) return root.response.status end, 0 },
      { "adds", { "own", true, { mode = "add" } }, function(root) return root.own end, true },
      { "does not add what is there", { "client_ip", "x", { mode = "add" } },
        function(root) return root.client_ip end, "192.0.2.7" },
      { "replaces", { "client_ip", "x", { mode = "replace" } },
        function(root) return root.client_ip end, "x" },
      { "does not replace what is not there", { "own", 1, { mode = "replace" } },
        function(root) return root.own end, nil },
      { "does not make the way to it either", { "own.deep.x", 1, { mode = "replace" } },
        function(root) return root.own end, nil },
      { "takes tables", { "own", { 1, { x = { true } } } }, function(root) return root.own end,
        { 1, { x = { true } } } },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        set(unpack(case[2], 1, 3))
        assert.same(case[4], case[3](kong.log.serialize()))
      end)
    end

    it("applies them in their order", function()
      set("a", 1)
      kong.log.set_serialize_value("a", nil)
      kong.log.set_serialize_value("a.b", 2, { mode = "add" })
      assert.same({ b = 2 }, kong.log.serialize().a)
    end)

    it("can show an authorization after all", function()
      set("request.headers.authorization", "shown")
      assert.equal("shown", kong.log.serialize().request.headers.authorization)
    end)

    it("does not change entities or plugins' tables", function()
      local own = { list = { 1 } }
      set("service.host", "other")
      kong.log.set_serialize_value("route.paths.1", "/b")
      kong.log.set_serialize_value("own", own)
      kong.log.set_serialize_value("own.list.x", 2)
      local root = kong.log.serialize()
      assert.equal("other", root.service.host)
      assert.equal("the-service", root.service.name)
      assert.same({ list = { 1, x = 2 } }, root.own)
      assert.equal("h.example", SERVICE.host)
      assert.same({ "/a" }, ROUTE.paths)
      assert.same({ list = { 1 } }, own)
    end)

    it("forgets them with the request", function()
      set("own", 1)
      current.release(1)
      assert.is_nil(serialized().own)
    end)

    it("wants a key and a mode", function()
      request({})
      for message, arguments in pairs({
        ["key must be a string"] = { 1, 2 },
        ["mode must be 'set', 'add' or 'replace'"] = { "k", 2, { mode = "x" } },
      }) do
        assert.has_error(function() kong.log.set_serialize_value(unpack(arguments)) end, message)
      end
    end)

    it("cannot be used outside of requests", function()
      fake.request = nil
      assert.has_error(function() kong.log.set_serialize_value("k", 1) end,
        "function cannot be called in init_worker phase (only in: certificate, rewrite, access, "
        .. "balancer, response, header_filter, body_filter, log)")
    end)

    it("refuses what is no plain value", function()
      local loop = {}
      loop.loop = loop
      local values = { print, loop, { { coroutine.create(print) } }, { [{}] = 1 } }
      for _, value in ipairs(values) do
        current.release(1)
        set("own", value)
        assert.has_error(function() kong.log.serialize() end,
          "value must be nil, a number, string, boolean or a non-self-referencial table "
          .. "containing numbers, string and booleans")
      end
    end)

    it("takes a table that is there twice", function()
      local twice = { 1 }
      set("own", { twice, twice })
      assert.same({ { 1 }, { 1 } }, kong.log.serialize().own)
    end)

    it("refuses a way through what is no table", function()
      set("client_ip.x", 1)
      assert.has_error(function() kong.log.serialize() end,
        "The key 'client_ip.x' could not be used as a serialize value. Subkey 'client_ip' is not "
        .. "a table. It's 192.0.2.7")
    end)
  end)
end)
