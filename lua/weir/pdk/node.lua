-- kong.node: this gateway.
local ffi = require("ffi")
local abi = require("weir.abi")
local bytes = require("weir.text.bytes")
local configuration = require("weir.pdk.configuration")
local shared = require("weir.ngx.shared")

local C = abi.C

local node = {}

--- The id of this gateway, a UUID made when it was started.
-- @treturn string
function node.get_id()
  return configuration.get("node_id")
end

local hostname

--- The name of the machine.
-- @treturn string|nil
function node.get_hostname()
  if not hostname then
    local out = ffi.new("struct weir_str")
    if C.weir_node_hostname(out) < 0 then
      return nil
    end
    hostname = ffi.string(out.p, out.n)
  end
  return hostname
end

-- Whole bytes stay a number.
local function convert(amount, unit, scale)
  if not unit or unit:lower() == "b" then
    return math.floor(amount)
  end
  return bytes.to_text(amount, unit, scale)
end

local function dictionaries(unit, scale)
  local result = {}
  for name, dictionary in pairs(shared.dictionaries) do
    local capacity = dictionary:capacity()
    result[name] = {
      allocated_slabs = convert(capacity - dictionary:free_space(), unit, scale),
      capacity = convert(capacity, unit, scale),
    }
  end
  return result
end

local function lua_vms(unit, scale)
  local result, worker = {}, 0
  while true do
    local amount = tonumber(C.weir_worker_lua_bytes(worker))
    if amount < 0 then
      return result
    end
    worker = worker + 1
    result[worker] = {
      pid = C.weir_worker_pid(),
      http_allocated_gc = convert(amount, unit, scale),
    }
  end
end

--- What shared dictionaries and the workers' Lua states take.
-- @tparam ?string unit "b", "k", "m" or "g"; bytes are numbers, the others texts
-- @tparam ?number scale digits after the point, 2 if nil
-- @treturn table { lua_shared_dicts = { [name] = { allocated_slabs, capacity } },
--   workers_lua_vms = list of { pid, http_allocated_gc } }
function node.get_memory_stats(unit, scale)
  local ok, err = pcall(bytes.to_text, 0, unit, scale)
  if not ok then
    error(err, 2)
  end
  return {
    lua_shared_dicts = dictionaries(unit, scale),
    workers_lua_vms = lua_vms(unit, scale),
  }
end

local counters = ffi.new("struct weir_counters")

--- What is counted of the workers and their Lua, since the start; weir's own.
-- @treturn table lua_phases: how often a request entered it; lua_renewals: how often a worker gave
--   a Lua state up whose plugins kept too much memory; worker_stalls: how often one did not come
--   back to its loop for worker_stall_warning
function node.get_statistics()
  C.weir_counters(counters)
  return {
    lua_phases = tonumber(counters.lua_phases),
    lua_renewals = tonumber(counters.lua_renewals),
    worker_stalls = tonumber(counters.worker_stalls),
  }
end

return node
