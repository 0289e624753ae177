-- The request side of ngx in the running gateway.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local function probe(code)
  return { { name = "prober", config = { code = code } } }
end

describe("ngx", function()
  local peer, gateway

  setup(function()
    peer = upstreams.peer({ main = {} })
    local services = {}
    local function service(name, code)
      services[name] = { port = peer.ports.main, plugins = probe(code) }
    end
    service("var", {
      access = [[
        local v = ngx.var
        return v.server_addr, v.connection, v.upstream_uri, v.upstream_host, v.upstream_scheme,
          v.args, v.upstream_addr
      ]],
      log = [[
        local v = ngx.var
        return v.upstream_addr, v.upstream_status, v.bytes_sent, v.body_bytes_sent, v.status
      ]],
    })
    service("nth", {
      access = "return ngx.var.connection_requests", log = "return ngx.var.connection_requests",
    })
    service("change", { access = [[
      ngx.var.upstream_uri = "/changed/by?plugin=1"
      ngx.var.upstream_host = "changed.example"
      ngx.req.set_method(ngx.HTTP_PUT)
      ngx.req.set_header("X-New", "new")
      ngx.req.read_body()
      ngx.req.set_body_data(ngx.req.get_body_data():upper())
      return ngx.var.upstream_uri, ngx.var.args, ngx.req.get_method()
    ]] })
    service("clear", { access = [[
      kong.service.request.clear_query_arg("a")
      return ngx.req.get_uri_args()
    ]] })
    service("say", { access = 'ngx.status = 201 ngx.header.x_own = "1" ngx.say("a", 1) '
      .. 'ngx.print({ "b" }) return ngx.headers_sent' })
    service("wait", { access = 'ngx.say("before") ngx.sleep(0.001) ngx.say("after")' })
    service("exit", { access = 'ngx.say("said") ngx.exit(ngx.OK) error("not reached")' })
    service("refuse", { access = 'pcall(ngx.exit, 403) error("not reached")' })
    service("empty", { access = "ngx.exit(204)" })
    local LEAVE = 'pcall(ngx.exit, ngx.OK) error("not reached")'
    service("leave", { access = LEAVE })
    table.insert(services.leave.plugins, { name = "post-function", config = {
      access = { 'kong.response.set_header("X-Next", "ran")' },
    } })
    service("leave-last", { access = LEAVE })
    service("leave-late", { access = "ngx.sleep(0.001) " .. LEAVE })
    service("leave-thread", { access = "ngx.thread.spawn(function() " .. LEAVE .. " end) "
      .. 'error("not reached")' })
    service("close", { access = "ngx.exit(444)" })
    service("late-close", { header_filter = "ngx.exit(ngx.HTTP_CLOSE)" })
    service("go-on", { header_filter = 'ngx.exit(ngx.OK) ngx.header.x_after = "ran"' })
    service("timer", { log = [[ngx.timer.at(0, function()
      kong.log.notice("timer: began")
      pcall(ngx.exit, ngx.OK)
      kong.log.notice("timer: went on")
    end)]] })
    service("print", { access = 'print("one", 2, nil)' })
    service("redirect", { access = 'ngx.redirect("/there", 307)' })
    service("fail", { access = 'ngx.say("leaked") error("after all")' })
    service("filter", { header_filter = [[
      ngx.header["Content-Type"] = nil
      ngx.header.x_list = { "1", "2" }
      ngx.status = 299
      return ngx.resp.get_headers()["content-type"] == nil, ngx.header.x_list
    ]] })
    gateway = helpers.gateway({
      config = config.build(services),
      settings = { plugins = "bundled,prober", plugin_path = "spec/fixtures/plugins" },
    })
  end)
  teardown(helpers.stop_all)

  local function get(path, more)
    local request = more or {}
    request.path, request.host = path, "x.example"
    local response = gateway:get(request)
    local shown = response.headers["x-probe-access"] or response.headers["x-probe-header-filter"]
    return response, shown and cjson.decode(shown)
  end

  it("has variables of the request and of its way upstream", function()
    local response, seen = get("/var/a?x=1")
    local upstream = "127.0.0.1:" .. peer.ports.main
    assert.matches("^%d+$", seen[2])
    seen[2] = "number"
    assert.same({ "127.0.0.1", "number", "/a", "x.example", "http", "x=1", nil }, seen)
    local line = gateway:wait_line("probe log .*request_id: \""
      .. response.headers["x-kong-request-id"])
    local logged = cjson.decode(line:match("probe log (%[.-%])"))
    assert.same({ upstream, "200", tostring(#response.body), "200" },
      { logged[1], logged[2], logged[4], logged[5] })
    assert.is_true(tonumber(logged[3]) > #response.body + 100)
  end)

  it("counts the requests of a connection", function()
    local connection = gateway:connect()
    for nth = 1, 3 do
      connection:send("GET /nth HTTP/1.1\r\nHost: x.example\r\n\r\n")
      local number = ('["%d"]'):format(nth)
      assert.equal(number, connection:response().headers["x-probe-access"])
      gateway:wait_line('probe log %["' .. nth .. '"%].*"GET /nth')
    end
    connection:close()
  end)

  it("changes the request", function()
    local response, seen = get("/change?old=1", { body = "text" })
    assert.same({ "/changed/by", "plugin=1", "PUT" }, seen)
    local got = cjson.decode(response.body)
    assert.same({ "PUT", "/changed/by?plugin=1", "changed.example", "new", "TEXT" }, {
      got.method, got.target, got.headers.host, got.headers["x-new"], got.body.text,
    })
  end)

  it("sees what of the query is left", function()
    local response, seen = get("/clear?a=1&b=2&a=3")
    assert.same({ { b = "2" } }, seen)
    assert.equal("/?b=2", cjson.decode(response.body).target)
  end)

  local answers = {
    say = { 201, "a1\nb" }, wait = { 200, "before\nafter\n" }, exit = { 200, "said\n" },
    empty = { 204, "" }, redirect = { 307, "" },
  }
  for name, want in pairs(answers) do
    it("answers by " .. name, function()
      local before = peer:count("request")
      local response = get("/" .. name)
      assert.same(want, { response.status, response.body })
      assert.equal(before, peer:count("request"))
    end)
  end

  it("answers with fields, too", function()
    assert.equal("1", get("/say").headers["x-own"])
    assert.equal("/there", get("/redirect").headers.location)
  end)

  it("makes error bodies", function()
    local response = get("/refuse")
    assert.equal(403, response.status)
    assert.is_string(cjson.decode(response.body).message)
  end)

  for _, name in ipairs({ "leave", "leave-last", "leave-late", "leave-thread" }) do
    it("ends a handler and goes on: " .. name, function()
      local before = peer:count("request")
      assert.equal(200, get("/" .. name).status)
      assert.equal(before + 1, peer:count("request"))
    end)
  end

  it("leaves the phase to the plugins that come next", function()
    assert.equal("ran", get("/leave").headers["x-next"])
  end)

  for _, name in ipairs({ "close", "late-close" }) do
    it("closes the connection without an answer: " .. name, function()
      local client = gateway:connect()
      client:send("GET /" .. name .. " HTTP/1.1\r\nHost: x.example\r\n\r\n")
      assert.equal("", client:rest())
    end)
  end

  it("goes on in header_filter", function()
    assert.equal("ran", get("/go-on").headers["x-after"])
  end)

  it("ends a timer", function()
    get("/timer")
    gateway:wait_line("timer: began")
    -- What the timer would do next, it would have done before another request.
    get("/go-on")
    assert.same({}, gateway:lines("timer: went on"))
  end)

  it("prints into the error log, as standard output is the access log's", function()
    get("/print")
    gateway:wait_line("%[notice%] .*%[lua%] probe:1: one2nil")
    assert.is_nil(gateway:access_log():find("one", 1, true))
  end)

  it("says nothing of a handler that failed", function()
    local response = get("/fail")
    assert.equal(500, response.status)
    assert.is_nil(response.body:find("leaked"))
  end)

  it("changes the response", function()
    local response, seen = get("/filter")
    assert.same({ true, { "1", "2" } }, seen)
    assert.equal(299, response.status)
    assert.is_nil(response.headers["content-type"])
    assert.equal("1, 2", response.headers["x-list"])
  end)
end)
