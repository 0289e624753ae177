-- Metrics of TLS with upstreams, which Kong does not have: handshakes, and what they came to.
--
-- In the form of gauges.lua; all are read at once.

local sorted_keys = require("weir.tables").sorted_keys

local function handshakes(statistics)
  return {
    { statistics.handshakes_failed, "failed" },
    { statistics.handshakes_full, "full" },
    { statistics.handshakes_resumed, "resumed" },
  }
end

local function verdicts(statistics)
  local samples = {}
  for _, service in ipairs(sorted_keys(statistics.services)) do
    for _, mode in ipairs(sorted_keys(statistics.services[service])) do
      local by_code = statistics.services[service][mode]
      for _, code in ipairs(sorted_keys(by_code)) do
        samples[#samples + 1] = { by_code[code], service, code, mode }
      end
    end
  end
  return samples
end

local function connections(statistics)
  return {
    { statistics.connections_opened, "opened" }, { statistics.connections_reused, "reused" },
  }
end

local function next_bundles(statistics)
  return { { statistics.next_bad, "bad" }, { statistics.next_good, "good" } }
end

-- A metric that is one field.
local function field(name)
  return function(statistics)
    return { { statistics[name] } }
  end
end

return {
  { "weir_upstream_connections_idle", "gauge",
    "Connections to upstreams that wait for a request", {}, field("connections_idle") },
  { "weir_upstream_connections_total", "counter",
    "Connections to upstreams that were opened, and how often one was used again", { "use" },
    connections },
  { "weir_upstream_tls_handshakes_total", "counter",
    "TLS handshakes with upstreams", { "result" }, handshakes },
  { "weir_upstream_tls_handshakes_waiting", "gauge",
    "Requests that wait for their turn to shake hands", {}, field("handshakes_waiting") },
  { "weir_upstream_tls_next_total", "counter",
    "Chains of upstreams as the bundles that are to come judge them", { "verdict" },
    next_bundles },
  { "weir_upstream_tls_ocsp_soft_total", "counter",
    "TLS handshakes with upstreams that went on without a good OCSP response", {},
    field("ocsp_soft") },
  { "weir_upstream_tls_reported_total", "counter",
    "TLS handshakes with upstreams that went on in mode report though they would be refused", {},
    field("reported") },
  { "weir_upstream_tls_verdicts_total", "counter",
    "Verdicts on the certificates of upstreams, by service", { "service", "code", "mode" },
    verdicts },
}
