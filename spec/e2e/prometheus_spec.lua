-- prometheus in the running gateway: what is counted, by all workers, and how it is shown.

local config = require("spec.support.config")
local helpers = require("spec.helpers")
local prometheus = require("spec.support.prometheus")
local upstreams = require("spec.fixtures.upstreams")

local ALL = {
  status_code_metrics = true, latency_metrics = true, bandwidth_metrics = true,
  upstream_health_metrics = true,
}

local HOST = "Host: kong.example\r\n\r\n"

describe("prometheus", function()
  local gateway, port

  local function document(fields)
    return config.build({
      one = { port = port },
      stopped = { port = port, plugins = { { name = "request-termination" } } },
    }, { plugins = { { name = "prometheus", config = fields } } })
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
