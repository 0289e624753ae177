-- prometheus in the running gateway: what is counted, by all workers, and how it is shown.

local config = require("spec.support.config")
local helpers = require("spec.helpers")
local prometheus = require("spec.support.prometheus")
local upstreams = require("spec.fixtures.upstreams")

local ALL = {
  status_code_metrics = true, latency_metrics = true, bandwidth_metrics = true,
  upstream_health_metrics = true, per_consumer = true,
}

local HOST = "Host: kong.example\r\n\r\n"

describe("prometheus", function()
  local gateway, port

  local function document(fields)
    return config.build({
      one = { port = port },
      stopped = { port = port, plugins = { { name = "request-termination" } } },
      keyed = { port = port, plugins = { { name = "key-auth" } } },
    }, {
      consumers = { { username = "kim", keyauth_credentials = { { key = "secret" } } } },
      plugins = { { name = "prometheus", config = fields } },
    })
  end

  setup(function()
    port = upstreams.peer({ main = {} }).ports.main
    gateway = helpers.gateway({ workers = 2, config = document(ALL) })
  end)
  teardown(helpers.stop_all)

  local function ask(path, method)
    return helpers.curl({
      url = ("http://127.0.0.1:%d%s"):format(gateway.admin_port, path), method = method,
    })
  end

  local function metrics()
    local response = ask("/metrics")
    assert.equal(200, response.status)
    assert.equal("text/plain; version=0.0.4; charset=utf-8", response.headers["content-type"])
    return prometheus.parse(response.body)
  end

  local function value(name, labels)
    return prometheus.value(metrics(), name, labels)
  end

  -- Requests on connections of their own, so that both workers get some.
  local function send(count, path)
    local conns = {}
    for i = 1, count do
      conns[i] = gateway:connect()
      conns[i]:send("GET " .. path .. " HTTP/1.1\r\n" .. HOST)
    end
    for _, conn in ipairs(conns) do
      assert(conn:response())
      conn:close()
    end
  end

  it("counts what all workers did", function()
    send(40, "/one")
    send(3, "/stopped")
    local place = { service = "one", route = "one", workspace = "default" }
    local labels = {
      service = "one", route = "one", code = "200", source = "service", workspace = "default",
      consumer = "",
    }
    helpers.eventually(function()
      return value("kong_http_requests_total", labels) == 40
    end)
    local all = metrics()
    assert.equal(3, prometheus.value(all, "kong_http_requests_total",
      { service = "stopped", code = "503", source = "kong" }))
    for _, name in ipairs({ "kong_kong_latency_ms", "kong_request_latency_ms",
      "kong_upstream_latency_ms" }) do
      assert.equal(40, prometheus.value(all, name .. "_count", place))
    end
    assert.is_nil(prometheus.value(all, "kong_upstream_latency_ms_count", { service = "stopped" }))
    assert.equal(40 * (#"GET /one HTTP/1.1\r\n" + #HOST), prometheus.value(all,
      "kong_bandwidth_bytes", { service = "one", direction = "ingress" }))
    assert.is_true(40 * 100 < prometheus.value(all,
      "kong_bandwidth_bytes", { service = "one", direction = "egress" }))
  end)

  it("counts for consumers", function()
    local response = gateway:get({ path = "/keyed", headers = { apikey = "secret" } })
    assert.equal(200, response.status)
    assert.equal(401, gateway:get("/keyed").status)
    local function codes(code, consumer)
      return value("kong_http_requests_total",
        { service = "keyed", code = code, consumer = consumer })
    end
    helpers.eventually(function()
      return codes("200", "kim") == 1 and codes("401", "") == 1
    end)
    assert.is_true(0 < value("kong_bandwidth_bytes", { consumer = "kim", direction = "egress" }))
  end)

  it("tells about the node", function()
    local all = metrics()
    local node = all.kong_node_info.samples[1].labels.node_id
    assert.matches("^%x+%-%x+%-%x+%-%x+%-%x+$", node)
    assert.equal(1, prometheus.value(all, "kong_datastore_reachable"))
    assert.equal(0, prometheus.value(all, "kong_nginx_metric_errors_total"))
    local accepted = prometheus.value(all, "kong_nginx_connections_total",
      { node_id = node, subsystem = "http", state = "accepted" })
    assert.is_true(accepted > 0)
    assert.is_true(prometheus.value(all, "kong_nginx_timers", { state = "pending" }) >= 1)
    assert.is_true(prometheus.value(all, "kong_memory_workers_lua_vms_bytes") > 1024 * 1024)
    local dict = { shared_dict = "prometheus_metrics", kong_subsystem = "http" }
    assert.equal(5 * 1024 * 1024,
      prometheus.value(all, "kong_memory_lua_shared_dict_total_bytes", dict))
    assert.is_true(prometheus.value(all, "kong_memory_lua_shared_dict_bytes", dict) > 0)
  end)

  it("tells about targets", function()
    local target = "127.0.0.1:" .. port
    local all = metrics()
    local labels = { upstream = "one.upstream", target = target, address = target,
      subsystem = "http", state = "healthchecks_off" }
    assert.equal(1, prometheus.value(all, "kong_upstream_target_health", labels))
    labels.state = "unhealthy"
    assert.equal(0, prometheus.value(all, "kong_upstream_target_health", labels))
  end)

  it("answers GET and HEAD only", function()
    assert.equal(405, ask("/metrics", "POST").status)
    assert.equal(200, ask("/metrics", "HEAD").status)
    assert.equal(404, ask("/metrics/x").status)
  end)

  it("keeps what was counted when the configuration changes, and counts what it is told to",
    function()
      local code = { service = "one", code = "200" }
      local before = value("kong_http_requests_total", code)
      local latencies = value("kong_kong_latency_ms_count", { service = "one" })
      gateway:reload(document({ status_code_metrics = true }))
      send(2, "/one")
      helpers.eventually(function()
        return value("kong_http_requests_total", code) == before + 2
      end)
      local all = metrics()
      assert.equal(latencies, prometheus.value(all, "kong_kong_latency_ms_count",
        { service = "one" }))
      assert.is_nil(all.kong_upstream_target_health)
    end)
end)

describe("prometheus shows TLS with upstreams:", function()
  local gateway
  local ROOT = config.id(1)

  setup(function()
    local listeners = {}
    for name, identity in pairs({ good = "leaf", expired = "expired", open = "self_signed" }) do
      listeners[name] = { tls = identity, close = true }
    end
    local peer = upstreams.peer(listeners)
    local function service(listener, mode)
      return {
        protocol = "https", port = peer.ports[listener], service = { retries = 0 },
        plugins = { { name = "upstream-tls", config = {
          mode = mode, ca_certificates = { ROOT }, tls_verify_depth = 2, verify_name = false,
        } } },
      }
    end
    gateway = helpers.gateway({ workers = 2, config = config.build({
      good = service("good", "enforce"), expired = service("expired", "enforce"),
      reported = service("expired", "report"), open = service("open", "off"),
    }, { ca_certificates = { config.ca(1, "root") } }) })
  end)
  teardown(helpers.stop_all)

  local function metrics()
    local response = helpers.curl({
      url = ("http://127.0.0.1:%d/metrics"):format(gateway.admin_port),
    })
    return prometheus.parse(response.body)
  end

  it("verdicts by service, code and mode", function()
    assert.is_nil(metrics().weir_upstream_tls_verdicts_total)
    local expected = {
      good = { 200, "ok", "enforce" }, expired = { 502, "expired", "enforce" },
      reported = { 200, "expired", "report" }, open = { 200, "unverified", "off" },
    }
    for service, want in pairs(expected) do
      for _ = 1, 3 do
        assert.equal(want[1], gateway:get("/" .. service).status)
      end
    end
    local all = metrics()
    assert.equal(4, #all.weir_upstream_tls_verdicts_total.samples)
    for service, want in pairs(expected) do
      assert.equal(3, prometheus.value(all, "weir_upstream_tls_verdicts_total",
        { service = service, code = want[2], mode = want[3] }))
    end
  end)

  it("handshakes and connections as /status counts them", function()
    local all, tls = metrics(), gateway:tls()
    local function result(kind)
      return prometheus.value(all, "weir_upstream_tls_handshakes_total", { result = kind })
    end
    assert.same({ tls.handshakes_full, tls.handshakes_resumed, 3 },
      { result("full"), result("resumed"), result("failed") })
    assert.equal(9, result("full") + result("resumed"))
    assert.equal(3, prometheus.value(all, "weir_upstream_tls_reported_total"))
    assert.equal(tls.connections_opened,
      prometheus.value(all, "weir_upstream_connections_total", { use = "opened" }))
    assert.equal(0, prometheus.value(all, "weir_upstream_connections_idle"))
  end)
end)
