-- The counters of the node, in Kong's shape and beyond it.
local ffi = require("ffi")
local abi = require("weir.abi")
local nginx = require("weir.pdk.nginx")
local node = require("weir.pdk.node")
local request = require("weir.pdk.request")
local statistics = require("weir.tls.statistics")

local C = abi.C

local counters = ffi.new("struct weir_counters")

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
    tls = statistics.total(counters),
    lua_phases = tonumber(counters.lua_phases),
    lua_renewals = tonumber(counters.lua_renewals),
    worker_stalls = tonumber(counters.worker_stalls),
  }
end

return status
