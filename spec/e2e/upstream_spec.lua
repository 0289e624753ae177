-- The upstream side: how long connections are kept, and when another attempt is made.

local cjson = require("cjson")
local client = require("spec.support.client")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

describe("the pool of upstream connections", function()
  local peer

  setup(function()
    peer = upstreams.peer({ main = { tls = "leaf" } })
  end)
  teardown(helpers.stop_all)

  local function start(settings)
    return helpers.gateway({
      settings = settings,
      config = config.build({
        up = { protocol = "https", port = peer.ports.main, service = {
          tls_verify = true, ca_certificates = { config.id(1) },
        } },
      }, { ca_certificates = { config.ca(1, "root") } }),
    })
  end

  local function connections(gateway, requests)
    local seen, count = {}, 0
    for _ = 1, requests do
      local response = gateway:get({ path = "/up", host = "kong.example" })
      local conn = cjson.decode(response.body).conn
      count = count + (seen[conn] and 0 or 1)
      seen[conn] = true
    end
    return count
  end

  it("keeps one connection for one request after another", function()
    local gateway = start()
    assert.equal(1, connections(gateway, 6))
    gateway:stop()
  end)

  it("can be switched off", function()
    local gateway = start({ upstream_keepalive_pool_size = 0 })
    assert.equal(6, connections(gateway, 6))
    gateway:stop()
  end)

  it("limits the requests of one connection", function()
    local gateway = start({ upstream_keepalive_max_requests = 2 })
    assert.equal(3, connections(gateway, 6))
    gateway:stop()
  end)

  it("ends connections that idle too long", function()
    local gateway = start({ upstream_keepalive_idle_timeout = 1 })
    local closed = peer:count("closed")
    assert.equal(1, connections(gateway, 2))
    peer:wait("closed", closed + 1)
    assert.equal(1, connections(gateway, 1))
    gateway:stop()
  end)

  it("keeps no more idle connections than it may", function()
    local gateway = start({ upstream_keepalive_pool_size = 2 })
    local closed = peer:count("closed")
    local running = {}
    for i = 1, 6 do
      running[i] = gateway:get_start({ path = "/up/delay/400", host = "kong.example" })
    end
    for _, request in ipairs(running) do
      assert.equal(200, request.finish().status)
    end
    peer:wait("closed", closed + 4)
    assert.equal(1, connections(gateway, 3))
    gateway:stop()
  end)
end)

describe("another attempt", function()
  local peer, gateway

  setup(function()
    peer = upstreams.peer({ main = {}, second = {}, slow = {} })
    local dead = "127.0.0.1:" .. client.free_port()
    gateway = helpers.gateway({ config = config.build({
      two = { targets = { { target = dead }, { target = "127.0.0.1:" .. peer.ports.main } } },
      one = { port = peer.ports.second, service = { retries = 2 } },
      none = { port = peer.ports.second, service = { retries = 0 } },
      slow = { port = peer.ports.slow, service = { retries = 1, read_timeout = 200 } },
    }) })
  end)
  teardown(helpers.stop_all)

  local function requests(path, options)
    local before = peer:count("request")
    local request = options or {}
    request.path, request.host = path, "x"
    local response = gateway:get(request)
    return peer:count("request") - before, response
  end

  it("goes to another target when one cannot be reached", function()
    for _ = 1, 6 do
      local _, response = requests("/two")
      assert.equal(200, response.status)
    end
  end)

  it("is made as often as the service says", function()
    local count, response = requests("/one/no-answer")
    assert.equal(502, response.status)
    assert.equal(3, count)
    count = requests("/none/no-answer")
    assert.equal(1, count)
  end)

  it("is made after a timeout", function()
    local count, response = requests("/slow/hang")
    assert.equal(504, response.status)
    assert.equal(2, count)
  end)

  it("is not made for what may have had an effect", function()
    local count, response = requests("/one/no-answer", { method = "POST", body = "x" })
    assert.equal(502, response.status)
    assert.equal(1, count)
  end)

  it("carries the body again", function()
    local count, response = requests("/one/no-answer", { method = "PUT", body = "again" })
    assert.equal(502, response.status)
    assert.equal(3, count)
  end)

  it("is not made once the answer has begun", function()
    local count, response = requests("/one/truncated")
    assert.equal(18, response.exit)
    assert.equal(1, count)
  end)
end)

describe("settings of headers", function()
  local peer

  setup(function()
    peer = upstreams.peer({ main = {} })
  end)
  teardown(helpers.stop_all)

  local function start(settings)
    return helpers.gateway({
      settings = settings, config = config.build({ up = { port = peer.ports.main } }),
    })
  end

  it("trust the clients that are named", function()
    local gateway = start({ trusted_ips = "127.0.0.0/8", real_ip_header = "X-Forwarded-For" })
    local response = gateway:get({ path = "/up", host = "x.example", headers = {
      ["X-Forwarded-For"] = "10.9.8.7", ["X-Forwarded-Proto"] = "https",
      ["X-Forwarded-Host"] = "front.example", ["X-Forwarded-Port"] = "443",
    } })
    local seen = cjson.decode(response.body).headers
    assert.equal("10.9.8.7", seen["x-real-ip"])
    assert.equal("https", seen["x-forwarded-proto"])
    assert.equal("front.example", seen["x-forwarded-host"])
    assert.equal("443", seen["x-forwarded-port"])
    gateway:stop()
  end)

  it("choose what the client is told", function()
    local gateway = start({ headers = "off", headers_upstream = "off" })
    local response = gateway:get({ path = "/up", host = "x" })
    for _, name in ipairs({ "via", "x-kong-request-id", "x-kong-upstream-latency",
      "x-kong-proxy-latency" }) do
      assert.is_nil(response.headers[name], name)
    end
    assert.is_nil(cjson.decode(response.body).headers["x-kong-request-id"])
    gateway:stop()

    gateway = start({ headers = "X-Kong-Upstream-Status" })
    response = gateway:get({ path = "/up/status/203", host = "x" })
    assert.equal("203", response.headers["x-kong-upstream-status"])
    assert.is_nil(response.headers["x-kong-request-id"])
    gateway:stop()
  end)
end)
