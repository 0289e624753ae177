-- What is counted of requests: Kong's metrics.

local counted = require("kong.plugins.prometheus.counted")

local requests = {}

local KONG_BOUNDS = { 1, 2, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 750, 1000 }
local UPSTREAM_BOUNDS = {
  25, 50, 80, 100, 250, 400, 700, 1000, 2000, 5000, 10000, 30000, 60000,
}

local PLACE = { "service", "route", "workspace" }

local statuses = counted.counter("kong_http_requests_total",
  "HTTP status codes per consumer/service/route in Kong",
  { "service", "route", "code", "source", "workspace", "consumer" })

local bandwidth = counted.counter("kong_bandwidth_bytes",
  "Total bandwidth (ingress/egress) throughput in bytes",
  { "service", "route", "direction", "workspace", "consumer" })

local kong_latency = counted.histogram("kong_kong_latency_ms",
  "Latency added by Kong and enabled plugins for each service/route in Kong", PLACE, KONG_BOUNDS)

local upstream_latency = counted.histogram("kong_upstream_latency_ms",
  "Latency added by upstream response for each service/route in Kong", PLACE, UPSTREAM_BOUNDS)

local request_latency = counted.histogram("kong_request_latency_ms",
  "Total latency incurred during requests for each service/route in Kong", PLACE, UPSTREAM_BOUNDS)

local function consumer_of(conf, entry)
  local consumer = conf.per_consumer and entry.consumer
  return consumer and (consumer.username or consumer.custom_id or consumer.id) or ""
end

local function count_bandwidth(entry, service, route, consumer)
  for direction, bytes in pairs({ ingress = entry.request.size, egress = entry.response.size }) do
    counted.add(bandwidth, bytes, { service, route, direction, entry.workspace_name, consumer })
  end
end

local function count_latencies(latencies, place)
  counted.observe(request_latency, latencies.request, place)
  counted.observe(kong_latency, latencies.kong, place)
  -- Nothing came from upstream where it is negative.
  if latencies.proxy >= 0 then
    counted.observe(upstream_latency, latencies.proxy, place)
  end
end

--- Counts the current request.
-- @tparam table conf which metrics
function requests.count(conf)
  local entry = kong.log.serialize()
  local service = entry.service and (entry.service.name or entry.service.host) or ""
  local route = entry.route and (entry.route.name or entry.route.id) or ""
  local consumer = consumer_of(conf, entry)
  if conf.status_code_metrics then
    local source = kong.response.get_source() == "service" and "service" or "kong"
    counted.add(statuses, 1,
      { service, route, entry.response.status, source, entry.workspace_name, consumer })
  end
  if conf.bandwidth_metrics then
    count_bandwidth(entry, service, route, consumer)
  end
  if conf.latency_metrics then
    count_latencies(entry.latencies, { service, route, entry.workspace_name })
  end
end

return requests
