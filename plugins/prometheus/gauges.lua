-- Metrics that are read when somebody asks: connections, memory, targets, TLS with upstreams.
--
-- Each is { name, kind, help, names of labels, function that returns a list of samples }; a sample
-- is { value, value of the first label, … }.

local exposition = require("kong.plugins.prometheus.exposition")
local store = require("kong.plugins.prometheus.store")
local upstream_tls = require("kong.plugins.prometheus.upstream_tls")

local gauges = {}

local SUBSYSTEM = "http"

-- ---- the node

local function node_info()
  return { { 1, kong.node.get_id(), kong.version } }
end

local STATES = { "accepted", "active", "handled", "reading", "total", "waiting", "writing" }

local function connections()
  local statistics = kong.nginx.get_statistics()
  local samples = {}
  for i, state in ipairs(STATES) do
    local value = state == "total" and statistics.total_requests
      or statistics["connections_" .. state]
    samples[i] = { value, kong.node.get_id(), SUBSYSTEM, state }
  end
  return samples
end

local function total_requests()
  return { { kong.nginx.get_statistics().total_requests, kong.node.get_id(), SUBSYSTEM } }
end

local function timers()
  return { { ngx.timer.pending_count(), "pending" }, { ngx.timer.running_count(), "running" } }
end

-- There is no database that could be out of reach.
local function datastore()
  return { { 1 } }
end

local function lost()
  return { { store.lost() } }
end

-- ---- memory

-- Samples of one field of all shared dictionaries.
local function dictionaries(field)
  return function()
    local samples = {}
    for name, dictionary in pairs(kong.node.get_memory_stats("b").lua_shared_dicts) do
      samples[#samples + 1] = { dictionary[field], kong.node.get_id(), name, SUBSYSTEM }
    end
    table.sort(samples, function(a, b)
      return a[3] < b[3]
    end)
    return samples
  end
end

-- All workers are threads of one process.
local function lua_vms()
  local bytes, pid = 0, nil
  for _, vm in ipairs(kong.node.get_memory_stats("b").workers_lua_vms) do
    bytes, pid = bytes + vm.http_allocated_gc, vm.pid
  end
  return { { bytes, kong.node.get_id(), pid, SUBSYSTEM } }
end

-- A metric that is one field of what is counted of the workers.
local function of_workers(field)
  return function()
    return { { kong.node.get_statistics()[field] } }
  end
end

-- ---- targets

local HEALTH = { "healthchecks_off", "healthy", "unhealthy", "dns_error" }

local wants_health = false

--- Whether the health of targets is among the metrics: some configuration has to say so.
-- @tparam ?table configs all of the plugin
function gauges.configure(configs)
  wants_health = false
  for _, conf in ipairs(configs or {}) do
    wants_health = wants_health or conf.upstream_health_metrics
  end
end

-- Weir checks no target's health, which is a state of Kong's, too.
local function target_health()
  local samples = {}
  if not wants_health then
    return samples
  end
  local names = {}
  for upstream in kong.db.upstreams:each() do
    names[upstream.id] = upstream.name
  end
  for target in kong.db.targets:each() do
    for i, state in ipairs(HEALTH) do
      samples[#samples + 1] = { i == 1 and 1 or 0, names[target.upstream.id], target.target,
        target.target, state, SUBSYSTEM }
    end
  end
  return samples
end

-- ---- all

local MEMORY = { "node_id", "shared_dict", "kong_subsystem" }

local list = {
  { "kong_datastore_reachable", "gauge",
    "Datastore reachable from Kong, 0 is unreachable", {}, datastore },
  { "kong_memory_lua_shared_dict_bytes", "gauge",
    "Allocated slabs in bytes in a shared_dict", MEMORY, dictionaries("allocated_slabs") },
  { "kong_memory_lua_shared_dict_total_bytes", "gauge",
    "Total capacity in bytes of a shared_dict", MEMORY, dictionaries("capacity") },
  { "kong_memory_workers_lua_vms_bytes", "gauge",
    "Allocated bytes in worker Lua VM", { "node_id", "pid", "kong_subsystem" }, lua_vms },
  { "kong_nginx_connections_total", "gauge",
    "Number of connections by subsystem", { "node_id", "subsystem", "state" }, connections },
  { "kong_nginx_metric_errors_total", "counter",
    "Number of nginx-lua-prometheus errors", {}, lost },
  { "kong_nginx_requests_total", "gauge",
    "Total number of requests", { "node_id", "subsystem" }, total_requests },
  { "kong_nginx_timers", "gauge", "Number of nginx timers", { "state" }, timers },
  { "kong_node_info", "gauge", "Kong Node metadata information", { "node_id", "version" },
    node_info },
  { "kong_upstream_target_health", "gauge",
    "Health status of targets of upstream. States = healthchecks_off|healthy|unhealthy|dns_error, "
      .. "value is 1 when state is populated.",
    { "upstream", "target", "address", "state", "subsystem" }, target_health },
  { "weir_lua_renewals_total", "counter",
    "Lua states that were given up since plugins kept too much memory in them", {},
    of_workers("lua_renewals") },
  { "weir_worker_stalls_total", "counter",
    "Workers that did not come back to their loop in time", {}, of_workers("worker_stalls") },
}

-- Writes those metrics of a list that have samples.
local function write_list(out, metrics, source)
  for _, metric in ipairs(metrics) do
    local name, kind, help, labels, read = unpack(metric)
    local samples = read(source)
    if samples[1] then
      out[#out + 1] = exposition.head(name, kind, help)
    end
    for _, sample in ipairs(samples) do
      local text = exposition.labels(labels, { unpack(sample, 2) })
      out[#out + 1] = exposition.sample(name, text, sample[1])
    end
  end
end

--- Writes all metrics that have samples.
-- @tparam table out list of texts
function gauges.write(out)
  write_list(out, list)
  write_list(out, upstream_tls, kong.tls.get_statistics())
end

return gauges
