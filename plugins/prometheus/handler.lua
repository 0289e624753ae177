-- Counts requests for Prometheus, which reads all metrics at /metrics of the Admin API.

local gauges = require("kong.plugins.prometheus.gauges")
local requests = require("kong.plugins.prometheus.requests")
local store = require("kong.plugins.prometheus.store")

local Prometheus = { PRIORITY = 13, VERSION = require("kong.meta").version }

function Prometheus:init_worker()
  store.start()
end

function Prometheus:configure(configs)
  gauges.configure(configs)
end

function Prometheus:log(conf)
  requests.count(conf)
end

return Prometheus
