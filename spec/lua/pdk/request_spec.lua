-- kong.request and kong.client.

local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")

local function request(want)
  want.phase = want.phase or "access"
  fake.request = fake.new_request(want)
end

describe("kong.request", function()
  local kong

  before_each(function()
    fake.install()
    kong = pdk.install({})
  end)

  describe("phases", function()
    it("are checked with Kong's text", function()
      fake.request = nil
      assert.has_error(function() kong.request.get_method() end,
        "function cannot be called in init_worker phase (only in: rewrite, access, balancer, "
        .. "response, header_filter, body_filter, log, error, admin_api)")
      assert.has_error(function() kong.request.get_port() end,
        "function cannot be called in init_worker phase (can be called in any phases except: "
        .. "init_worker)")
      request({ phase = "log" })
      assert.has_error(function() kong.request.get_raw_body() end,
        "function cannot be called in log phase (only in: rewrite, access, response, error, "
        .. "admin_api)")
    end)

    it("are the caller's fault, not the PDK's", function()
      fake.request = nil
      local _, err = pcall(loadstring("kong.request.get_method()", "=plugin"))
      assert.matches("^plugin:1: function cannot be called", err)
      request({})
      _, err = pcall(loadstring("kong.request.get_header(1)", "=plugin"))
      assert.matches("^plugin:1: header name must be a string", err)
      _, err = pcall(loadstring("kong.request.get_headers(0)", "=plugin"))
      assert.matches("^plugin:1: max_headers must be >= 1", err)
      _, err = pcall(loadstring("kong.request.get_query('x')", "=plugin"))
      assert.matches("^plugin:1: max_args must be a number", err)
    end)
  end)

  it("tells the request line", function()
    request({
      texts = {
        REQUEST_METHOD = "GET", REQUEST_TARGET = "/a%20b?x=1", REQUEST_PATH = "/a%20b",
        REQUEST_PATH_NORMAL = "/a b", REQUEST_QUERY = "x=1",
      },
      numbers = { REQUEST_MINOR_VERSION = 1, REQUEST_START_MS = 1700000000123 },
    })
    assert.equal("GET", kong.request.get_method())
    assert.equal("/a%20b?x=1", kong.request.get_path_with_query())
    assert.equal("/a%20b", kong.request.get_raw_path())
    assert.equal("/a b", kong.request.get_path())
    assert.equal("x=1", kong.request.get_raw_query())
    assert.equal(1.1, kong.request.get_http_version())
    assert.equal(1700000000123, kong.request.get_start_time())
    request({ numbers = { REQUEST_MINOR_VERSION = 0 } })
    assert.equal(1.0, kong.request.get_http_version())
    assert.equal("", kong.request.get_raw_query())
  end)

  local hosts = {
    ["Example.COM"] = "example.com", ["example.com:8080"] = "example.com",
    ["user@example.com:1"] = "example.com", ["[::1]:8080"] = "[::1]", ["[::1]"] = "[::1]",
    ["10.0.0.1:80"] = "10.0.0.1",
  }
  for authority, host in pairs(hosts) do
    it("takes the host from " .. authority, function()
      request({ texts = { REQUEST_HOST = authority } })
      assert.equal(host, kong.request.get_host())
    end)
  end

  describe("behind a proxy", function()
    local HEADERS = {
      ["X-Forwarded-Proto"] = "HTTPS", ["X-Forwarded-Host"] = "Public.example:8443",
      ["X-Forwarded-Path"] = "/public", ["X-Forwarded-Prefix"] = "/prefix",
    }

    local function ask(trusted, headers)
      request({
        headers = headers or HEADERS,
        texts = { REQUEST_HOST = "own.example", REQUEST_PATH = "/own", ROUTE_PREFIX = "/route" },
        numbers = { CLIENT_TRUSTED = trusted, REQUEST_IS_TLS = 0, REQUEST_PORT = 8000 },
      })
      return {
        kong.request.get_forwarded_scheme(), kong.request.get_forwarded_host(),
        kong.request.get_forwarded_port(), kong.request.get_forwarded_path(),
        kong.request.get_forwarded_prefix(),
      }
    end

    it("believes it when it is trusted", function()
      assert.same({ "https", "public.example", 8443, "/public", "/prefix" }, ask(1))
    end)

    it("does not when it is not", function()
      assert.same({ "http", "own.example", 8000, "/own", "/route" }, ask(0))
    end)

    it("prefers X-Forwarded-Port, unless it is none", function()
      assert.equal(99, ask(1, { ["X-Forwarded-Port"] = "99", ["X-Forwarded-Host"] = "h:1" })[3])
      assert.equal(1, ask(1, { ["X-Forwarded-Port"] = "x", ["X-Forwarded-Host"] = "h:1" })[3])
      assert.equal(8000, ask(1, { ["X-Forwarded-Port"] = "70000" })[3])
      assert.equal(8000, ask(1, {})[3])
    end)
  end)

  it("gives the groups of the route's expression", function()
    request({ captures = { "1", false, "" }, capture_names = { { "a", 1 }, { "none", 2 } } })
    assert.same({ unnamed = { "1", false, "" }, named = { a = "1", none = false } },
      kong.request.get_uri_captures())
    request({})
    assert.same({ unnamed = {}, named = {} }, kong.request.get_uri_captures())
  end)

  describe("query", function()
    local function query(text, max)
      request({ texts = { REQUEST_QUERY = text } })
      return kong.request.get_query(max)
    end

    it("is decoded", function()
      assert.same({ a = "1", b = "x y", c = true, d = "", ["e="] = "=" },
        (query("a=1&b=x+y&c&d=&e%3D==")))
      assert.same({ a = { "1", true, "2" } }, (query("a=1&a&a=2")))
      assert.same({}, (query("&&=x&")))
      assert.same({ ["%zz"] = "%" }, (query("%zz=%25")))
      assert.same({}, (query(nil)))
    end)

    it("ends at the limit", function()
      local args, err = query("a=1&b=2&c=3", 2)
      assert.same({ a = "1", b = "2" }, args)
      assert.equal("truncated", err)
      args, err = query("a=1&b=2&", 2)
      assert.same({ a = "1", b = "2" }, args)
      assert.is_nil(err)
    end)

    it("gives the first value of an argument", function()
      request({ texts = { REQUEST_QUERY = "a=1&a=2&b" } })
      assert.equal("1", kong.request.get_query_arg("a"))
      assert.is_true(kong.request.get_query_arg("b"))
      assert.is_nil(kong.request.get_query_arg("c"))
      assert.has_error(function() kong.request.get_query_arg(1) end,
        "query argument name must be a string")
    end)
  end)

  describe("headers", function()
    before_each(function()
      request({ headers = { ["X-One"] = "1", ["X-Many"] = { "a", "b" }, X_Under = "u" } })
    end)

    it("are found in any spelling", function()
      assert.equal("1", kong.request.get_header("x-one"))
      assert.equal("1", kong.request.get_header("X_ONE"))
      assert.equal("a", kong.request.get_header("x-many"))
      assert.is_nil(kong.request.get_header("x-none"))
    end)

    it("come as a table that takes any spelling", function()
      local headers = kong.request.get_headers()
      assert.equal("1", headers["x-one"])
      assert.equal("1", headers["X-One"])
      assert.equal("1", headers.x_one)
      assert.same({ "a", "b" }, headers["X-Many"])
      assert.equal("u", headers["x-under"])
      assert.is_nil(headers.none)
    end)

    it("end at the limit", function()
      local headers, err = kong.request.get_headers(2)
      local count = 0
      for _, value in pairs(headers) do
        count = count + (type(value) == "table" and #value or 1)
      end
      assert.equal(2, count)
      assert.equal("truncated", err)
    end)
  end)

  describe("body", function()
    local function body(text, content_type)
      request({ body = text, headers = { ["Content-Type"] = content_type } })
    end

    it("is read raw, waiting for it if need be", function()
      body("text")
      assert.equal("text", kong.request.get_raw_body())
      fake.request.waiting = true
      assert.equal("text", kong.request.get_raw_body())
      body(nil)
      assert.equal("", kong.request.get_raw_body())
    end)

    it("that is too large is an error, before and after waiting", function()
      body("too large")
      local text, err = kong.request.get_raw_body()
      assert.is_nil(text)
      assert.equal("request body did not fit into client body buffer, consider raising "
        .. "'client_body_buffer_size'", err)
      fake.request.waiting = true
      text, err = kong.request.get_raw_body()
      assert.is_nil(text)
      assert.equal("too large after all", err)
    end)

    it("is decoded as a form", function()
      body("a=1&b=%20", "application/x-www-form-urlencoded; charset=utf-8")
      local args, err, mime = kong.request.get_body()
      assert.same({ a = "1", b = " " }, args)
      assert.is_nil(err)
      assert.equal("application/x-www-form-urlencoded", mime)
    end)

    it("is decoded as JSON", function()
      body('{"a":[1]}', "application/json")
      assert.same({ a = { 1 } }, (kong.request.get_body()))
      body('{"list":[],"id":1234567890123456}', "application/json")
      assert.equal("[]", require("cjson").encode(kong.request.get_body().list))
      body("{", "application/json")
      local value, err, mime = kong.request.get_body()
      assert.is_nil(value)
      assert.equal("invalid json body", err)
      assert.equal("application/json", mime)
      body("1", "application/json")
      assert.is_nil((kong.request.get_body()))
    end)

    it("is decoded as multipart", function()
      body('--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        .. '--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n'
        .. "Content-Type: text/plain\r\n\r\nl1\r\nl2\r\n--b--\r\n",
        'multipart/form-data; boundary="b"')
      assert.same({ a = "1", f = "l1\r\nl2" }, (kong.request.get_body()))
      for _, broken in ipairs({ "--b\r\nno end", "nothing", "--b\r\n\r\nx" }) do
        body(broken, "multipart/form-data; boundary=b")
        local value, err = kong.request.get_body()
        assert.is_nil(value)
        assert.equal("unable to decode multipart body", err)
      end
    end)

    it("of another type, or of none, is not", function()
      body("x")
      local value, err = kong.request.get_body()
      assert.is_nil(value)
      assert.equal("missing content type", err)
      body("x", "text/x-own")
      value, err = kong.request.get_body()
      assert.is_nil(value)
      assert.equal("unsupported content type 'text/x-own'", err)
      assert.same({ x = true }, (kong.request.get_body("application/x-www-form-urlencoded")))
    end)
  end)
end)

describe("kong.client and kong.router", function()
  local kong

  before_each(function()
    fake.install()
    kong = pdk.install({})
    current.generation = {
      plans = { [0] = {}, [2] = { route_id = "r", service_id = "s" } },
      entities = {
        routes = { r = { id = "r", paths = { "/r" } } }, services = { s = { id = "s" } },
      },
    }
    current.slot = 1
  end)
  after_each(function()
    current.release(1)
    current.generation, current.slot = nil, 0
  end)

  it("tell addresses", function()
    request({
      texts = { CLIENT_IP = "10.0.0.1", CLIENT_FORWARDED_IP = "1.2.3.4" },
      numbers = { CLIENT_PORT = 1, CLIENT_FORWARDED_PORT = 2 },
    })
    assert.equal("10.0.0.1", kong.client.get_ip())
    assert.equal("1.2.3.4", kong.client.get_forwarded_ip())
    assert.equal(1, kong.client.get_port())
    assert.equal(2, kong.client.get_forwarded_port())
  end)

  it("tell route and service", function()
    request({ numbers = { REQUEST_PLAN = 2 } })
    assert.same({ id = "r", paths = { "/r" } }, kong.router.get_route())
    assert.same({ id = "s" }, kong.router.get_service())
    assert.equal(kong.router.get_route(), ngx.ctx.route)
    request({ numbers = { REQUEST_PLAN = 0 } })
    current.release(1)
    assert.is_nil(kong.router.get_route())
    assert.is_nil(kong.router.get_service())
    request({ phase = "rewrite" })
    assert.has_error(kong.router.get_route, "function cannot be called in rewrite phase (only in: "
      .. "access, response, header_filter, body_filter, log)")
  end)

  it("give each request a route of its own, whatever plugins did to another's", function()
    request({ numbers = { REQUEST_PLAN = 2 } })
    kong.router.get_route().paths[1] = "/spoiled"
    ngx.ctx.service.id = "spoiled"
    assert.same({ "/spoiled" }, kong.router.get_route().paths)
    current.release(1)
    assert.same({ "/r" }, kong.router.get_route().paths)
    assert.equal("s", kong.router.get_service().id)
  end)

  it("have times in ngx.ctx, each from when it is known", function()
    local function times(phase, numbers)
      current.release(1)
      request({ phase = phase, numbers = numbers })
      local ctx = ngx.ctx
      return { ctx.KONG_PROCESSING_START, ctx.KONG_PROXY_LATENCY or false,
        ctx.KONG_WAITING_TIME or false, ctx.KONG_RECEIVE_TIME or false }
    end
    assert.same({ 1000, false, false, false }, times("access", { REQUEST_START_MS = 1000 }))
    local all = { REQUEST_START_MS = 1000, LATENCY_PROXY = 1, LATENCY_UPSTREAM = 2,
      LATENCY_RECEIVE = 3 }
    assert.same({ 1000, 1, 2, false }, times("header_filter", all))
    assert.same({ 1000, 1, 2, 3 }, times("log", all))
  end)

  it("have what the route's expression matched in ngx.ctx", function()
    request({
      numbers = { REQUEST_PLAN = 2 }, texts = { ROUTE_PREFIX = "/a/1" }, captures = { "a", false },
      capture_names = { { "name", 1 } },
    })
    assert.same({ uri_captures = { [0] = "/a/1", "a", false, name = "a" } },
      ngx.ctx.router_matches)
    current.release(1)
    request({ numbers = { REQUEST_PLAN = 2 } })
    assert.same({}, ngx.ctx.router_matches)
    current.release(1)
    request({ numbers = { REQUEST_PLAN = 0 } })
    assert.is_nil(ngx.ctx.router_matches)
  end)

  it("have the tries at upstreams in ngx.ctx, once there are all", function()
    local tried = {
      { ip = "10.0.0.1", port = 81, status = 502, failure = "refused", began_ns = 5e6,
        chosen_in_ns = 1e6 },
      { ip = "::2", port = 82, began_ns = 9e6, chosen_in_ns = 0 },
    }
    request({ phase = "balancer", tried = { tried[1] } })
    assert.is_nil(ngx.ctx.balancer_data)
    request({ phase = "header_filter", tried = tried })
    local data = ngx.ctx.balancer_data
    assert.same({ "::2", 82, "ipv6", 2 }, { data.ip, data.port, data.type, data.try_count })
    assert.same({ ip = "10.0.0.1", port = 81, state = "failed", code = 502, failure = "refused",
      balancer_start = 5, balancer_latency = 1, balancer_start_ns = 5e6,
      balancer_latency_ns = 1e6 }, data.tries[1])
    assert.is_nil(data.tries[2].state)
    assert.equal(data, ngx.ctx.balancer_data)
    current.release(1)
    request({ phase = "log" })
    assert.is_nil(ngx.ctx.balancer_data)
  end)

  it("tell the protocol", function()
    local function protocol(plan, tls, trusted, allow)
      request({
        numbers = { REQUEST_PLAN = plan, REQUEST_IS_TLS = tls, CLIENT_TRUSTED = trusted },
        headers = { ["X-Forwarded-Proto"] = "https" },
      })
      current.release(1)
      return kong.client.get_protocol(allow)
    end
    assert.equal("https", (protocol(2, 1, 0)))
    assert.equal("http", (protocol(2, 0, 1)))
    assert.equal("https", (protocol(2, 0, 1, true)))
    assert.equal("http", (protocol(2, 0, 0, true)))
    local name, err = protocol(0, 1, 0)
    assert.is_nil(name)
    assert.equal("No active route found", err)
  end)
end)
