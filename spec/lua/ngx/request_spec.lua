-- ngx.req, ngx.resp, ngx.header, ngx.var, and the functions of ngx that answer.

local fake = require("spec.support.fake_abi").install()
local current = require("weir.pdk.current")
local pdk = require("weir.pdk")

local ngx

before_each(function()
  fake.install()
  pdk.install({})
  ngx = _G.ngx
  current.slot = 1
end)
after_each(function()
  current.release(1)
  current.slot = 0
end)

local function request(want)
  want.phase = want.phase or "access"
  fake.request = fake.new_request(want)
  return fake.request.service
end

describe("ngx.req", function()
  it("reads the request", function()
    request({
      headers = { ["X-One"] = "1", ["X-Two"] = { "a", "b" } }, body = "x=1&y",
      texts = {
        SERVICE_METHOD_OUT = "PUT", SERVICE_QUERY_OUT = "a=1&b&a=%20", REQUEST_METHOD = "GET",
        REQUEST_TARGET = "/x?y",
      },
      numbers = { REQUEST_MINOR_VERSION = 1, REQUEST_START_MS = 1500 },
    })
    assert.equal("PUT", ngx.req.get_method())
    assert.equal(1.1, ngx.req.http_version())
    assert.equal(1.5, ngx.req.start_time())
    assert.is_false(ngx.req.is_internal())
    assert.same({ a = { "1", " " }, b = true }, (ngx.req.get_uri_args()))
    assert.same({ { a = "1" }, "truncated" }, { ngx.req.get_uri_args(1) })
    assert.same({ a = { "1", " " }, b = true }, (ngx.req.get_query_args(0)))
    local headers = ngx.req.get_headers()
    assert.same({ "1", { "a", "b" } }, { headers["x-one"], headers.X_Two })
    assert.equal("1", ngx.req.get_headers(0, true)["X-One"])
    assert.is_nil(ngx.req.get_headers(0, true)["x-one"])
    assert.equal("truncated", select(2, ngx.req.get_headers(1)))
    assert.matches("^GET /x%?y HTTP/1.1\r\nX%-.*: .*\r\n\r\n$", ngx.req.raw_header())
    assert.matches("^X%-", ngx.req.raw_header(true))
  end)

  it("reads the body", function()
    request({ body = "x=1&y" })
    fake.request.waiting = true
    assert.is_nil(ngx.req.get_body_data())
    ngx.req.read_body()
    assert.equal("x=1&y", ngx.req.get_body_data())
    assert.equal("x=", ngx.req.get_body_data(2))
    assert.is_nil(ngx.req.get_body_file())
    assert.same({ x = "1", y = true }, (ngx.req.get_post_args()))
    request({ body = "too large" })
    ngx.req.read_body()
    assert.is_nil(ngx.req.get_body_data())
    assert.same({}, (ngx.req.get_post_args()))
  end)

  it("changes what goes upstream", function()
    local service = request({ headers = { ["X-Old"] = "1", ["X-Gone"] = "1" } })
    ngx.req.set_method(ngx.HTTP_PATCH)
    ngx.req.set_uri("/a b?c")
    ngx.req.set_uri_args({ b = 2, a = true })
    assert.same({ "PATCH", "/a%20b%3Fc", "a&b=2" }, { service.method, service.path, service.query })
    ngx.req.set_uri_args("x=y")
    assert.equal("x=y", service.query)
    ngx.req.set_header("X-Old", { "2", 3 })
    ngx.req.set_header("X-Gone", nil)
    assert.same({ "2", "3" }, fake.header("UPSTREAM", "x-old"))
    assert.same({}, fake.header("UPSTREAM", "x-gone"))
    ngx.req.clear_header("x-old")
    assert.same({}, fake.header("UPSTREAM", "x-old"))
    ngx.req.set_body_data("body")
    assert.equal("body", service.body)
    ngx.req.discard_body()
    assert.equal("", service.body)
    ngx.req.init_body()
    ngx.req.append_body("a")
    ngx.req.append_body("b")
    ngx.req.finish_body()
    assert.equal("ab", service.body)
    ngx.req.init_body()
    ngx.req.finish_body()
    assert.equal("", service.body)
  end)

  local mistakes = {
    { "set_method", "GET", "unsupported HTTP method: GET" },
    { "set_uri", 1, "bad argument #1 to 'set_uri' (string expected, got number)" },
    { "set_uri", "", "attempt to use zero-length uri" },
    { "set_uri_args", true,
      "bad argument #1 to 'set_uri_args' (string, number, or table expected, but got boolean)" },
    { "set_body_data", 1, "bad argument #1 to 'set_body_data' (string expected, got number)" },
  }
  for _, mistake in ipairs(mistakes) do
    it("says " .. mistake[3], function()
      request({})
      assert.has_error(function() ngx.req[mistake[1]](mistake[2]) end, mistake[3])
    end)
  end

  it("is there while there is a request that can still be changed", function()
    fake.request = nil
    assert.has_error(function() ngx.req.get_headers() end,
      "API disabled in the context of init_worker_by_lua*")
    request({ phase = "header_filter" })
    assert.has_error(function() ngx.req.set_header("a", "b") end,
      "API disabled in the context of header_filter_by_lua*")
    assert.has_error(function() ngx.req.read_body() end,
      "API disabled in the context of header_filter_by_lua*")
    request({ phase = "upstream_verify" })
    assert.has_error(function() ngx.req.get_method() end,
      "API disabled in the context of upstream_verify")
  end)
end)

describe("ngx.header and ngx.resp", function()
  it("read and change the response's fields", function()
    request({
      phase = "header_filter", headers_response = { ["X-One"] = "1", ["X-Two"] = { "a", "b" } },
    })
    assert.equal("1", ngx.header.x_one)
    assert.same({ "a", "b" }, ngx.header["X-Two"])
    assert.is_nil(ngx.header.x_three)
    assert.same({ "a", "b" }, ngx.resp.get_headers()["x-two"])
    ngx.header.x_three = { 1, 2 }
    assert.same({ "1", "2" }, fake.header("RESPONSE", "X-Three"))
    ngx.header["X-One"] = nil
    ngx.header.x_two = {}
    assert.same({}, fake.header("RESPONSE", "x-one"))
    assert.same({}, fake.header("RESPONSE", "x-two"))
    ngx.resp.add_header("X-Three", 3)
    assert.same({ "1", "2", "3" }, fake.header("RESPONSE", "X-Three"))
  end)

  it("cannot be changed once they have been sent", function()
    request({ phase = "body_filter", numbers = { RESPONSE_SENT = 1 } })
    ngx.header.x_one = "1"
    assert.same({}, fake.header("RESPONSE", "x-one"))
    assert.equal("[lua] attempt to set ngx.header.x-one after sending out response headers",
      fake.log[1].text)
    assert.has_error(function() ngx.resp.add_header("a", "b") end,
      "API disabled in the context of body_filter_by_lua*")
  end)
end)

describe("ngx.var", function()
  it("puts values together", function()
    request({
      headers = {
        Cookie = "a=1; b=x y ;c=3", Authorization = "Basic Ym9iOnNlY3JldA==",
        ["X-Two"] = { "1", "2" },
      },
      headers_service = { Server = "s" }, headers_response = { Via = "v" },
      texts = {
        SERVICE_QUERY_OUT = "A=1%20&b=2&b=3&c", REQUEST_METHOD = "GET", REQUEST_TARGET = "/x",
        CLIENT_FORWARDED_IP = "10.1.2.3", SERVICE_PATH_OUT = "/up",
      },
      numbers = {
        REQUEST_MINOR_VERSION = 0, RESPONSE_HEAD_BYTES = 100, RESPONSE_BYTES = 20,
        LATENCY_REQUEST = 1234, LATENCY_UPSTREAM = 10, LATENCY_RECEIVE = 5, REQUEST_IS_TLS = 1,
        SERVICE_IS_TLS = 1, SERVICE_STATUS = 200, CONNECTION = 7,
      },
      tried = {
        { ip = "10.0.0.1", port = 80, status = 502, failure = "refused", began_ns = 0,
          chosen_in_ns = 0 },
        { ip = "::1", port = 81, began_ns = 0, chosen_in_ns = 0 },
      },
    })
    local values = {
      arg_a = "1%20", arg_b = "2", arg_c = "", cookie_a = "1", cookie_b = "x y", cookie_c = "3",
      remote_user = "bob", http_x_two = "1, 2", upstream_http_server = "s", sent_http_via = "v",
      is_args = "?", request = "GET /x HTTP/1.0", binary_remote_addr = "\10\1\2\3",
      bytes_sent = "120", body_bytes_sent = "20", request_time = "1.234",
      upstream_header_time = "0.010", upstream_response_time = "0.015", https = "on",
      upstream_scheme = "https", upstream_addr = "10.0.0.1:80, [::1]:81", connection = "7",
      upstream_status = "502, 200", upstream_uri = "/up", ssl_client_verify = "NONE",
      hostname = "host.example", pid = "4711", msec = "1700000000.123", server_name = "kong",
    }
    for name, value in pairs(values) do
      assert.equal(value, ngx.var[name], name)
    end
    assert.matches("^%d+%-%d%d%-%d%dT%d%d:%d%d:%d%d[+-]%d%d:%d%d$", ngx.var.time_iso8601)
    assert.matches("^%d%d/%a+/%d+:%d%d:%d%d:%d%d [+-]%d%d%d%d$", ngx.var.time_local)
    for _, name in ipairs({ "arg_d", "cookie_d", "http_d", "no_such_variable", 1 }) do
      assert.is_nil(ngx.var[name])
    end
  end)

  it("knows what there is not", function()
    request({ texts = { CLIENT_FORWARDED_IP = "::1" } })
    assert.equal("", ngx.var.is_args)
    assert.equal("", ngx.var.https)
    assert.equal(("\0"):rep(15) .. "\1", ngx.var.binary_remote_addr)
    for _, name in ipairs({
      "remote_user", "upstream_addr", "upstream_status", "upstream_response_time", "arg_x",
      "cookie_x", "ssl_client_verify",
    }) do
      assert.is_nil(ngx.var[name], name)
    end
  end)

  it("can be written where Kong's plugins do", function()
    local service = request({ headers = { Host = "old" } })
    ngx.var.upstream_uri = "/new"
    assert.same({ "/new", nil }, { service.path, service.query })
    ngx.var.upstream_uri = "/new?a=b"
    assert.same({ "/new", "a=b" }, { service.path, service.query })
    ngx.var.args = "c=d"
    assert.equal("c=d", service.query)
    ngx.var.args = nil
    assert.equal("", service.query)
    ngx.var.upstream_host = "new.example"
    assert.same({ "new.example" }, fake.header("UPSTREAM", "host"))
    ngx.var.upstream_scheme = "https"
    assert.equal(1, service.tls)
    assert.has_error(function() ngx.var.upstream_scheme = "ftp" end, "invalid scheme: ftp")
    assert.has_error(function() ngx.var.request_uri = "/" end,
      'variable "request_uri" not changeable')
    assert.has_error(function() ngx.var.own = "x" end)
  end)
end)

describe("ngx", function()
  it("gathers what is said", function()
    request({})
    assert.is_false(ngx.headers_sent)
    assert.equal(1, ngx.print("a", 1, { "b", { true } }, nil))
    assert.equal(1, ngx.say("x"))
    assert.equal(1, ngx.flush(true))
    assert.equal("a1btrue" .. "nilx\n", fake.request.said)
    assert.is_true(ngx.headers_sent)
    assert.has_error(function() ngx.say(print) end)
  end)

  it("answers without a body", function()
    for _, name in ipairs({ "eof", "send_headers" }) do
      request({})
      assert.equal(1, ngx[name]())
      assert.equal("", fake.request.said)
    end
  end)

  it("exits with a status, or with what was said", function()
    request({})
    assert.is_true(fake.run(function() ngx.exit(204) end))
    assert.same({ status = 204 }, fake.request.exit)
    request({})
    assert.is_true(fake.run(function() ngx.exit(403) end))
    assert.same({ status = 403, form = -1 }, fake.request.failure)
    request({})
    assert.is_true(fake.run(function()
      ngx.say("x")
      ngx.exit(ngx.OK)
    end))
    assert.is_nil(fake.request.exit)
    request({ phase = "header_filter" })
    assert.is_false(fake.run(function() ngx.exit(503) end))
    assert.equal(503, fake.request.failure.status)
  end)

  it("changes nothing by exiting with ngx.OK where the handler goes on", function()
    for _, phase in ipairs({ "header_filter", "balancer", "certificate" }) do
      request({ phase = phase })
      assert.is_false(fake.run(function() ngx.exit(ngx.OK) end))
      assert.same({}, { fake.request.exit, fake.request.failure })
    end
  end)

  it("refuses a client that shakes hands by an error", function()
    request({ phase = "certificate" })
    for _, status in ipairs({ ngx.ERROR, 403 }) do
      assert.has_error(function() ngx.exit(status) end,
        ("attempt to exit with status %d, which is no answer"):format(status))
    end
  end)

  it("wants a status to exit with", function()
    request({})
    assert.has_error(function() ngx.exit("x") end,
      "bad argument #1 to 'exit' (number expected, got string)")
    assert.has_error(function() ngx.exit(ngx.DECLINED) end,
      "attempt to exit with status -5, which is no answer")
    request({ phase = "log" })
    assert.has_error(function() ngx.exit(500) end, "API disabled in the context of log_by_lua*")
    assert.has_error(function() ngx.say("x") end, "API disabled in the context of log_by_lua*")
  end)

  it("redirects", function()
    request({})
    assert.is_true(fake.run(function() ngx.redirect("/there") end))
    assert.equal(302, fake.request.exit.status)
    assert.same({ "/there" }, fake.header("RESPONSE", "location"))
    request({})
    assert.is_true(fake.run(function() ngx.redirect("/there", 308) end))
    assert.equal(308, fake.request.exit.status)
    assert.has_error(function() ngx.redirect("/there", 200) end,
      "only ngx.HTTP_MOVED_TEMPORARILY, ngx.HTTP_MOVED_PERMANENTLY, ngx.HTTP_PERMANENT_REDIRECT, "
      .. "ngx.HTTP_SEE_OTHER, and ngx.HTTP_TEMPORARY_REDIRECT are allowed")
    assert.has_error(function() ngx.redirect(1) end,
      "bad argument #1 to 'redirect' (string expected, got number)")
  end)
end)
