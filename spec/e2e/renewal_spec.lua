-- A worker whose plugins keep more memory than they may gets a new Lua state, and goes on.

local config = require("spec.support.config")
local helpers = require("spec.helpers")
local prometheus = require("spec.support.prometheus")
local upstreams = require("spec.fixtures.upstreams")

local NAMED = "%[error%] .*%[kong%] worker 0 begins a new Lua state, since plugins keep too much "
  .. "memory in the old one: %d+%.%d MiB are in use, lua_memory_limit is 32%.0 MiB; plugin "
  .. "'hostile' holds [23]%d%.%d MiB; the last to ask for more was plugin '%w+', in %w+"

local function counter(name)
  return ("kong.response.exit(200, tostring(ngx.shared.kong:get('%s') or 0))"):format(name)
end

describe("a worker whose plugins keep too much memory", function()
  local gateway

  before_each(function()
    local port = upstreams.peer({ main = {} }).ports.main
    local function with(phases)
      return { port = port, plugins = { { name = "snippet", config = phases } } }
    end
    gateway = helpers.gateway({
      config = config.build({
        up = { port = port },
        count = with({ access = [[
          requests = (requests or 0) + 1
          kong.response.exit(200, tostring(requests))]] }),
        held = with({ access = [[
          kong.ctx.shared.name = kong.request.get_header("X-Name")
          ngx.shared.kong:incr("held", 1, 0)
          repeat ngx.sleep(0.05) until ngx.shared.kong:get("go")
          kong.response.exit(200, kong.ctx.shared.name)]] }),
        is_held = with({ access = counter("held") }),
        go = with({ access = "ngx.shared.kong:set('go', true) kong.response.exit(204)" }),
        tick = with({ access = [[
          ngx.timer.every(0.01, function() ngx.shared.kong:incr("ticks", 1, 0) end)
          kong.response.exit(204)]] }),
        ticks = with({ access = counter("ticks") }),
      }, { plugins = { { name = "hostile" }, { name = "prometheus" } } }),
      settings = {
        plugins = "bundled,hostile,snippet", plugin_path = "spec/fixtures/plugins",
        lua_memory_limit = "32m",
      },
    })
  end)
  after_each(helpers.stop_all)

  local function get(path, headers)
    return gateway:get({ path = path, host = "x.example", headers = headers })
  end

  -- Until a new state is there. What is asked meanwhile may not be answered.
  local function hoard()
    local from = #gateway:logs() + 1
    -- The page that says so goes through filters for which there is no memory either.
    assert.not_equal(200, get("/up", { ["X-Deed"] = "access hoard" }).status)
    gateway:wait_line("begins a new Lua state", from)
  end

  local function hold(name)
    local before = tonumber(get("/is_held").body)
    local conn = gateway:connect()
    conn:send(("GET /held HTTP/1.1\r\nHost: x.example\r\nX-Name: %s\r\n\r\n"):format(name))
    helpers.eventually(function() return tonumber(get("/is_held").body) > before end,
      "the request to wait")
    return conn
  end

  it("begins a new Lua state and names who holds the memory", function()
    local pid = gateway:worker_pid()
    assert.equal("1", get("/count").body)
    assert.equal("2", get("/count").body)
    hoard()
    assert.equal("1", get("/count").body)
    assert.equal(200, get("/up").status)
    assert.equal(pid, gateway:worker_pid())
    gateway:wait_line(NAMED)
    assert.equal(1, gateway:status().lua_renewals)
    local metrics = helpers.curl({
      url = ("http://127.0.0.1:%d/metrics"):format(gateway.admin_port),
    })
    assert.equal(1, prometheus.value(prometheus.parse(metrics.body), "weir_lua_renewals_total"))
  end)

  it("lets requests end in the state that they began in", function()
    local conn = hold("first")
    hoard()
    assert.equal(204, get("/go").status)
    local response = conn:response("GET")
    assert.same({ 200, "first" }, { response.status, response.body })
    conn:close()
    assert.equal("1", get("/count").body)
  end)

  it("cuts off those that are still there when the next state is given up", function()
    local first = hold("first")
    hoard()
    local second = hold("second")
    hoard()
    assert.is_nil((first:response("GET")))
    assert.equal(204, get("/go").status)
    assert.equal("second", second:response("GET").body)
    first:close()
    second:close()
  end)

  it("ends the timers of the old state", function()
    get("/tick")
    helpers.eventually(function() return tonumber(get("/ticks").body) > 0 end, "a tick")
    hoard()
    local ticks = get("/ticks").body
    helpers.sleep(100)
    assert.equal(ticks, get("/ticks").body)
  end)

  it("goes on with reloads, and stops", function()
    local conn = hold("first")
    hoard()
    gateway:reload()
    assert.equal("1", get("/count").body)
    hoard()
    conn:close()
    assert.equal(200, get("/up").status)
    assert.equal(0, gateway:stop(helpers.process.SIGQUIT).code)
  end)
end)
