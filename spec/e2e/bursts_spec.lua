-- Bursts of requests to an upstream whose handshakes take their time: how many are under way at
-- once, as the upstream counts them, and that everybody is served.

local cjson = require("cjson")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local CLIENTS, LIMIT = 64, 2

describe("a burst of requests", function()
  local peer

  setup(function()
    peer = upstreams.peer({
      once = { tls = "leaf", close = true, handshake_delay = 0.02 },
      kept = { tls = "leaf", handshake_delay = 0.02 },
      hung = { tls = "leaf", mode = "silent" },
    })
  end)
  teardown(helpers.stop_all)

  -- Shakes hands with a listener on a connection of the plugin's own, and goes on at once.
  local SHAKE = [[
    local sock = ngx.socket.tcp()
    sock:settimeout(20000)
    assert(sock:connect("127.0.0.1", %d))
    assert(sock:sslhandshake(nil, "kong.example", false))
    sock:close()]]

  -- `shaking`: listener -> the one that a plugin shakes hands with, before the request goes on.
  local function start(services, shaking)
    local list = {}
    for _, name in ipairs(services) do
      list[name] = { protocol = "https", port = peer.ports[name], service = {
        tls_verify = true, ca_certificates = { config.id(1) }, retries = 0,
      } }
    end
    for name, other in pairs(shaking or {}) do
      list[name].plugins = {
        { name = "snippet", config = { access = SHAKE:format(peer.ports[other]) } },
      }
    end
    return helpers.gateway({
      workers = 1,
      settings = {
        upstream_tls_handshakes_max = LIMIT, plugins = "bundled,snippet",
        plugin_path = "spec/fixtures/plugins",
      },
      config = config.build(list, { ca_certificates = { config.ca(1, "root") } }),
    })
  end

  -- Sends requests on connections of their own, all before the first answer is read.
  local function burst(gateway, name, count)
    local conns = {}
    for i = 1, count do
      conns[i] = gateway:connect()
      conns[i]:send(("GET /%s/%d HTTP/1.1\r\nHost: kong.example\r\n\r\n"):format(name, i))
    end
    return conns
  end

  local function assert_served(conns)
    local used = {}
    for i, conn in ipairs(conns) do
      local response = assert(conn:response())
      assert.equal(200, response.status)
      local answer = cjson.decode(response.body)
      assert.equal("/" .. i, answer.target:match("/%d+$"))
      used[answer.conn] = true
      conn:close()
    end
    local count = 0
    for _ in pairs(used) do
      count = count + 1
    end
    return count
  end

  -- The most connections at once that the upstream had accepted but not yet answered.
  local function most_at_once(name)
    local now, most = 0, 0
    for _, event in ipairs(peer:events(nil, name)) do
      if event.event == "accept" then
        now = now + 1
      elseif event.event == "delayed" then
        now = now - 1
      end
      most = math.max(most, now)
    end
    return most
  end

  it("is served with no more handshakes at once than the limit", function()
    local gateway = start({ "once" })
    assert.equal(CLIENTS, assert_served(burst(gateway, "once", CLIENTS)))
    assert.equal(LIMIT, most_at_once("once"))
    assert.equal(0, gateway:tls().handshakes_waiting)
    gateway:stop()
  end)

  it("is served over the connections that become free", function()
    local gateway = start({ "kept" })
    local connections = assert_served(burst(gateway, "kept", CLIENTS))
    assert.is_true(connections < CLIENTS / 4, connections .. " connections")
    assert.equal(LIMIT, most_at_once("kept"))
    gateway:stop()
  end)

  it("to an upstream that does not answer keeps nobody long from another one", function()
    local gateway = start({ "hung", "kept" })
    local hung = burst(gateway, "hung", 3 * LIMIT)
    peer:wait("accept", LIMIT, "hung")
    assert.equal(200, gateway:get({ path = "/kept/1", host = "kong.example" }).status)
    for _, conn in ipairs(hung) do
      conn:close()
    end
    gateway:stop()
  end)

  it("is served, too, where plugins shake hands with upstreams of theirs before", function()
    local gateway = start({ "once" }, { once = "kept" })
    assert.equal(CLIENTS, assert_served(burst(gateway, "once", CLIENTS)))
    assert.is_true(most_at_once("once") <= LIMIT)
    assert.equal(0, gateway:tls().handshakes_waiting)
    gateway:stop()
  end)

  -- Some of these clients' handshakes wait, and none does any more when they are gone.
  local function assert_waiting(gateway, conns)
    helpers.eventually(function()
      return gateway:tls().handshakes_waiting > 0
    end, "some to wait")
    for _, conn in ipairs(conns) do
      conn:close()
    end
    helpers.eventually(function()
      return gateway:tls().handshakes_waiting == 0
    end, "nobody to wait")
  end

  it("waits with the connections of plugins: what these have under way counts", function()
    local gateway = start({ "once" }, { once = "hung" })
    local hung = burst(gateway, "once", LIMIT + 3)
    assert_waiting(gateway, hung)
    gateway:stop()
  end)

  it("is counted on the status page while it waits", function()
    local gateway = start({ "hung" })
    local conns = burst(gateway, "hung", LIMIT + 3)
    assert_waiting(gateway, conns)
    gateway:stop()
  end)
end)
