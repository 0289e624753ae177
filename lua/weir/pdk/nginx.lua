-- kong.nginx: what of nginx plugins ask for.
local ffi = require("ffi")
local abi = require("weir.abi")

local C = abi.C

local nginx = {}

--- "http": weir proxies no streams.
-- @treturn string
function nginx.get_subsystem()
  return "http"
end

local counters = ffi.new("struct weir_counters")

--- Client connections and requests, of all workers.
-- @treturn table connections_active, of which connections_reading (a request's head comes),
-- connections_writing (its request is under way) and connections_waiting (for the next one);
-- connections_accepted and connections_handled (the same), total_requests
function nginx.get_statistics()
  C.weir_counters(counters)
  local active = tonumber(counters.connections_active)
  local reading = tonumber(counters.connections_reading)
  local writing = tonumber(counters.connections_writing)
  local accepted = tonumber(counters.connections_accepted)
  return {
    connections_active = active,
    connections_reading = reading,
    connections_writing = writing,
    -- Counters of other threads are not read in one moment.
    connections_waiting = math.max(active - reading - writing, 0),
    connections_accepted = accepted,
    connections_handled = accepted,
    total_requests = tonumber(counters.requests_total),
  }
end

return nginx
