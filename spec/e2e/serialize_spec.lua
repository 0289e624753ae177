-- kong.log.serialize in the running gateway: what plugins that log get to know.

local cjson = require("cjson")
local client = require("spec.support.client")
local config = require("spec.support.config")
local helpers = require("spec.helpers")
local upstreams = require("spec.fixtures.upstreams")

local ROOT = config.id(1)

describe("kong.log.serialize", function()
  local peer, gateway, dead

  setup(function()
    dead = client.free_port()
    peer = upstreams.peer({
      good = { tls = "leaf", tickets = 0 }, expired = { tls = "expired" }, plain = {},
    })
    local function target(port)
      return { target = "127.0.0.1:" .. port }
    end
    local verified = {
      tls_verify = true, tls_verify_depth = 2, ca_certificates = { ROOT }, retries = 5,
    }
    local services = {
      retried = { protocol = "https", service = verified,
        targets = { target(dead), target(peer.ports.expired), target(peer.ports.good) } },
      refused = { protocol = "https", service = verified, port = peer.ports.expired },
      plain = { port = peer.ports.plain, plugins = { { name = "serializer", config = {
        values = { ["own.value"] = "x", ["request.method"] = "hidden" },
      } } } },
      exit = { port = dead, plugins = {
        { name = "request-termination", config = { status_code = 418, message = "no" } },
      } },
    }
    local own = config.certificate(2, "leaf")
    own.snis = { { name = "*" } }
    gateway = helpers.gateway({
      tls = true,
      config = config.build(services, {
        ca_certificates = { config.ca(1, "root") }, plugins = { { name = "serializer" } },
        certificates = { own },
      }),
      settings = { plugins = "bundled,serializer", plugin_path = "spec/fixtures/plugins" },
    })
  end)
  teardown(helpers.stop_all)

  local function logged(response)
    local id = response.headers["x-kong-request-id"]
    local line = gateway:wait_line("%[serializer%] serialized .*request_id: \"" .. id)
    return cjson.decode(line:match("serialized ({.*}), client: "))
  end

  -- A request, and what was logged of it.
  local function ask(path, more)
    local request = more or {}
    request.path, request.host = path, "kong.example"
    local response = gateway:get(request)
    return logged(response), response
  end

  it("tells a request, its response and who was asked", function()
    local before = os.time() * 1000
    local root, response = ask("/plain/a?x=1&x=2", {
      headers = { ["X-Seen"] = "yes", Authorization = "Bearer secret" }, body = "12345",
    })
    assert.equal(response.headers["x-kong-request-id"], root.request.id)
    assert.equal("/plain/a?x=1&x=2", root.request.uri)
    assert.equal(("http://kong.example:%d/plain/a?x=1&x=2"):format(gateway.port), root.request.url)
    assert.same({ x = { "1", "2" } }, root.request.querystring)
    assert.equal("yes", root.request.headers["x-seen"])
    assert.equal("REDACTED", root.request.headers.authorization)
    assert.is_true(root.request.size > 5 + #"POST /plain/a?x=1&x=2 HTTP/1.1")
    assert.is_nil(root.request.tls)
    assert.equal(200, root.response.status)
    assert.equal(response.headers["content-type"], root.response.headers["content-type"])
    assert.equal("/a?x=1&x=2", root.upstream_uri)
    assert.equal("200", root.upstream_status)
    assert.equal("upstream", root.source)
    assert.equal("127.0.0.1", root.client_ip)
    assert.equal("plain", root.route.name)
    assert.equal("plain", root.service.name)
    assert.is_true(root.started_at >= before and root.started_at <= os.time() * 1000 + 999)
    assert.equal(1, #root.tries)
    assert.equal("127.0.0.1", root.tries[1].ip)
    assert.equal(peer.ports.plain, root.tries[1].port)
    assert.is_nil(root.tries[1].state)
    assert.is_true(root.tries[1].balancer_start >= root.started_at)
    assert.is_nil(root.upstream_tls)
    local times = root.latencies
    assert.equal(times.request, times.kong + times.proxy)
    assert.is_true(times.receive >= 0 and times.receive <= times.kong)
  end)

  it("counts the bytes of the response, head and body", function()
    local connection = gateway:connect()
    connection:send("GET /exit HTTP/1.1\r\nHost: kong.example\r\nConnection: close\r\n\r\n")
    local bytes = connection:rest()
    local id = bytes:match("X%-Kong%-Request%-Id: (%x+)")
    assert.equal(#bytes, logged({ headers = { ["x-kong-request-id"] = id } }).response.size)
  end)

  it("has plugins' values over its own", function()
    local root = ask("/plain")
    assert.same({ value = "x" }, root.own)
    assert.equal("hidden", root.request.method)
  end)

  it("tells of every try, with the verdict on its certificate", function()
    -- Where the round begins is left to chance: three requests see all beginnings.
    for _ = 1, 3 do
      local root, response = ask("/retried")
      assert.equal(200, response.status)
      local judged = {}
      for _, verdict in ipairs(root.upstream_tls) do
        judged[verdict.try] = verdict.code
      end
      for i, try in ipairs(root.tries) do
        local want = {
          [dead] = { "failed", 502, "refused", nil },
          [peer.ports.expired] = { "failed", 502, "tls_verify", "expired" },
          [peer.ports.good] = { nil, nil, nil, "ok" },
        }
        assert.same(want[try.port], { try.state, try.code, try.failure, judged[i] })
      end
      assert.equal(peer.ports.good, root.tries[#root.tries].port)
      assert.equal(("502, "):rep(#root.tries - 1) .. "200", root.upstream_status)
    end
  end)

  it("tells why an upstream was refused", function()
    local root, response = ask("/refused")
    assert.equal(502, response.status)
    assert.equal("kong", root.source)
    assert.equal(-1, root.latencies.proxy)
    assert.equal("502", root.upstream_status)
    local verdict = root.upstream_tls[1]
    assert.equal("expired", verdict.code)
    assert.equal("enforce", verdict.mode)
    assert.matches("^%x+$", verdict.policy)
    assert.equal(0, verdict.depth)
  end)

  it("knows that nobody was asked", function()
    local root = ask("/exit")
    assert.equal(418, root.response.status)
    assert.same({}, root.tries)
    assert.equal("", root.upstream_uri)
    assert.equal("kong", root.source)
    root = ask("/nothing")
    assert.equal(404, root.response.status)
    assert.is_nil(root.route)
    assert.is_nil(root.service)
  end)

  it("knows the client's TLS", function()
    local root = ask("/plain", { tls = true, args = { "-k" } })
    assert.equal("TLSv1.3", root.request.tls.version)
    assert.matches("^TLS_", root.request.tls.cipher)
    assert.equal("NONE", root.request.tls.client_verify)
    assert.matches("^https://kong.example:", root.request.url)
  end)
end)
