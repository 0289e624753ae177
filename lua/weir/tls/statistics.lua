-- What is counted of TLS with upstreams, summed over the workers since the start.
local ffi = require("ffi")
local abi = require("weir.abi")

local C = abi.C

local statistics = {}

-- In the order of struct weir_counters.
local MODES = { "enforce", "off", "report" }

-- A matrix of counters by mode and code as a table; codes that did not occur are left out.
local function by_mode(matrix)
  local modes = {}
  for mode = 0, C.WEIR_MODES - 1 do
    local by_code, code = {}, 0
    local name = C.weir_verdict_code(code)
    while name ~= nil do
      local count = tonumber(matrix[mode][code])
      by_code[ffi.string(name)] = count > 0 and count or nil
      code = code + 1
      name = C.weir_verdict_code(code)
    end
    modes[MODES[mode + 1]] = by_code
  end
  return modes
end

--- Those of all services together.
-- @tparam cdata counters struct weir_counters
-- @treturn table the fields that lua/weir/admin/README.md lists for /status
function statistics.total(counters)
  return {
    handshakes_full = tonumber(counters.tls_handshakes_full),
    handshakes_resumed = tonumber(counters.tls_handshakes_resumed),
    handshakes_failed = tonumber(counters.tls_handshakes_failed),
    handshakes_waiting = tonumber(counters.tls_handshakes_waiting),
    verdict_hits = tonumber(counters.tls_verdict_hits),
    verdicts = by_mode(counters.tls_verdicts),
    reported = tonumber(counters.tls_reported),
    ocsp_soft = tonumber(counters.tls_ocsp_soft),
    next_good = tonumber(counters.tls_next_good),
    next_bad = tonumber(counters.tls_next_bad),
    connections_opened = tonumber(counters.upstream_connections_opened),
    connections_reused = tonumber(counters.upstream_connections_reused),
    connections_idle = tonumber(counters.upstream_connections_idle),
    policies = tonumber(counters.policies),
    trust_bundles = tonumber(counters.trust_bundles),
  }
end

local tally = ffi.new("struct weir_tally")

--- Verdicts by service.
-- @treturn table name of a service (its host where it has none; "": all services beyond 16,384) ->
-- mode -> code -> handshakes that came to this verdict
function statistics.verdicts_by_service()
  local services, index = {}, 0
  while C.weir_tally(index, tally) == 0 do
    services[ffi.string(tally.service)] = by_mode(tally.verdicts)
    index = index + 1
  end
  return services
end

return statistics
