-- The counters of the node, in Kong's shape and beyond it.
local ffi = require("ffi")
local abi = require("weir.abi")
local nginx = require("weir.pdk.nginx")
local node = require("weir.pdk.node")
local request = require("weir.pdk.request")

local C = abi.C

-- In the order of struct weir_counters.
local MODES = { "enforce", "off", "report" }

local counters = ffi.new("struct weir_counters")

-- Mode -> code -> how many handshakes ended with that verdict; codes that did not occur are left
-- out.
local function verdicts()
  local by_mode = {}
  for mode = 0, C.WEIR_MODES - 1 do
    local by_code, code = {}, 0
    local name = C.weir_verdict_code(code)
    while name ~= nil do
      local count = tonumber(counters.tls_verdicts[mode][code])
      by_code[ffi.string(name)] = count > 0 and count or nil
      code = code + 1
      name = C.weir_verdict_code(code)
    end
    by_mode[MODES[mode + 1]] = by_code
  end
  return by_mode
end

-- As the arguments `unit` and `scale` say.
local function memory()
  local unit, scale = request.get_query_arg("unit"), request.get_query_arg("scale")
  local ok, stats = pcall(node.get_memory_stats, unit or "m", tonumber(scale) or scale)
  if not ok then
    return nil, stats
  end
  return stats
end

--- What /status answers, summed over the workers.
-- @treturn table|nil as README.md of this folder says
-- @treturn nil|string what is wrong with the arguments
local function status()
  local memory_stats, err = memory()
  if not memory_stats then
    return nil, err
  end
  C.weir_counters(counters)
  return {
    server = nginx.get_statistics(),
    memory = memory_stats,
    database = { reachable = true },
    configuration_hash = ffi.string(counters.configuration_hash),
    configuration = { serial = tonumber(counters.serial) },
    workers = counters.workers,
    tls = {
      handshakes_full = tonumber(counters.tls_handshakes_full),
      handshakes_resumed = tonumber(counters.tls_handshakes_resumed),
      handshakes_failed = tonumber(counters.tls_handshakes_failed),
      handshakes_waiting = tonumber(counters.tls_handshakes_waiting),
      verdict_hits = tonumber(counters.tls_verdict_hits),
      verdicts = verdicts(),
      reported = tonumber(counters.tls_reported),
      ocsp_soft = tonumber(counters.tls_ocsp_soft),
      next_good = tonumber(counters.tls_next_good),
      next_bad = tonumber(counters.tls_next_bad),
      connections_opened = tonumber(counters.upstream_connections_opened),
      connections_reused = tonumber(counters.upstream_connections_reused),
      connections_idle = tonumber(counters.upstream_connections_idle),
      policies = tonumber(counters.policies),
      trust_bundles = tonumber(counters.trust_bundles),
    },
    lua_phases = tonumber(counters.lua_phases),
  }
end

return status
