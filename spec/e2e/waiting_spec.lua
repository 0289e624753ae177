-- Plugins that wait, while the gateway serves others: sleep, light threads, semaphores, timers.

local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local SETTINGS = { plugins = "bundled,snippet", plugin_path = "spec/fixtures/plugins" }

describe("a plugin that waits", function()
  local peer, gateway

  setup(function()
    peer = upstreams.peer({ main = {} })
    local function with(phases)
      return { port = peer.ports.main, plugins = { { name = "snippet", config = phases } } }
    end
    gateway = helpers.gateway({ settings = SETTINGS, config = config.build({
      sleep = with({
        access = [[
          kong.ctx.shared.name = kong.request.get_header("X-Name")
          ngx.sleep(tonumber(kong.request.get_header("X-Sleep")))
          kong.response.set_header("X-Name", kong.ctx.shared.name)]],
      }),
      threads = with({ access = [[
        local threads = {}
        for i = 1, 3 do
          threads[i] = ngx.thread.spawn(function()
            ngx.sleep(0.01 * (4 - i))
            kong.response.add_header("X-Order", i)
            return i
          end)
        end
        kong.response.set_header("X-First", select(2, ngx.thread.wait(unpack(threads))))]] }),
      body = with({ access = [[
        local t = ngx.thread.spawn(function() return kong.request.get_raw_body() end)
        ngx.sleep(0)
        kong.response.set_header("X-Second", select(2, kong.request.get_raw_body()) or "none")
        kong.response.set_header("X-Body", select(2, ngx.thread.wait(t)))]] }),
      ["exit-late"] = with({ access = [[
        ngx.thread.spawn(function() ngx.sleep(0.01) kong.response.exit(418, "late") end)
        ngx.thread.spawn(function() ngx.sleep(3600) end)]] }),
      ["exit-now"] = with({ access = [[
        ngx.thread.spawn(function() kong.response.exit(418, "now") end)
        kong.response.set_header("X-Not", "reached")]] }),
      semaphore = with({ access = [[
        sema = sema or require("ngx.semaphore").new()
        if kong.request.get_method() == "POST" then
          sema:post()
        else
          local ok, err = sema:wait(10)
          kong.response.set_header("X-Got", tostring(ok or err))
        end]] }),
      timer = with({ log = [[
        local id = kong.request.get_header("X-Name")
        ngx.timer.at(0, function(premature, ...)
          ngx.sleep(0.001)
          kong.log.notice("timer of ", id, premature, ...)
        end, " with ", 2)]] }),
      late = with({ header_filter = "ngx.sleep(0)" }),
      ["without-end"] = with({ access = [[
        local threads = {}
        for i = 1, 100 do
          threads[i] = ngx.thread.spawn(function() repeat ngx.sleep(0) until not busy end)
        end
        for i = 1, 100 do
          ngx.thread.wait(threads[i])
        end
        kong.response.exit(200, "idle")]] }),
      bomb = with({ access = [[
        busy = kong.request.get_method() == "POST"
        local function explode(premature)
          if busy and not premature then
            ngx.timer.at(0, explode)
            ngx.timer.at(0, explode)
          end
        end
        explode()]] }),
    }) })
  end)
  teardown(helpers.stop_all)

  local function get(path, headers, more)
    local request = more or {}
    request.path, request.host, request.headers = path, "x.example", headers
    return gateway:get(request)
  end

  it("sleeps, and keeps what is its own", function()
    local response = get("/sleep", { ["X-Name"] = "one", ["X-Sleep"] = "0.01" })
    assert.equal(200, response.status)
    assert.equal("one", response.headers["x-name"])
  end)

  it("stops when the client goes away", function()
    local conn = gateway:connect()
    conn:send("POST /sleep HTTP/1.1\r\nHost: x.example\r\nX-Sleep: 3600\r\n"
      .. "Content-Length: 5\r\n\r\n")
    conn:close()
    helpers.eventually(function()
      return gateway:access_log():find("POST /sleep HTTP/1.1\" 499 ", 1, true)
    end, "the request to end")
    assert.equal("two", get("/sleep", { ["X-Name"] = "two", ["X-Sleep"] = "0" }).headers["x-name"])
  end)

  it("waits for light threads; the phase is over when all are", function()
    local response = get("/threads")
    assert.equal("3", response.headers["x-first"])
    assert.equal("3, 2, 1", response.headers["x-order"])
  end)

  it("reads the body in one of its threads", function()
    local response = get("/body", nil, { method = "POST", body = "of the client" })
    assert.equal("of the client", response.headers["x-body"])
    assert.equal("none", response.headers["x-second"])
  end)

  it("is answered for by a light thread that exits, now or later", function()
    local late, now = get("/exit-late"), get("/exit-now")
    assert.same({ 418, "late" }, { late.status, late.body:match("late") })
    assert.same({ 418, "now" }, { now.status, now.body:match("now") })
    assert.is_nil(now.headers["x-not"])
  end)

  it("is woken by another request", function()
    local conn = gateway:connect()
    conn:send("GET /semaphore HTTP/1.1\r\nHost: x.example\r\n\r\n")
    assert.equal(200, get("/semaphore", nil, { method = "POST" }).status)
    assert.equal("true", conn:response("GET").headers["x-got"])
    conn:close()
  end)

  it("goes on in a timer after the request", function()
    get("/timer", { ["X-Name"] = "request-1" })
    gateway:wait_line("%[snippet%] timer of request%-1false with 2")
  end)

  it("leaves others their turn, however often it waits for nothing", function()
    local bomb = get("/bomb", nil, { method = "POST" })
    assert.equal(200, bomb.status)
    local conn = gateway:connect()
    conn:send("GET /without-end HTTP/1.1\r\nHost: x.example\r\n\r\n")
    assert.equal("two", get("/sleep", { ["X-Name"] = "two", ["X-Sleep"] = "0" }).headers["x-name"])
    assert.equal(200, get("/bomb").status)
    assert.equal("idle", conn:response("GET").body)
    conn:close()
  end)

  it("gets an error in a phase that cannot wait", function()
    assert.equal(500, get("/late").status)
    gateway:wait_line("%[snippet%] header_filter: [^\n]*API disabled in the context of "
      .. "header_filter_by_lua%*")
  end)
end)
