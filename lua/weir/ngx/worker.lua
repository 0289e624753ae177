-- ngx.worker: this worker among the others.
local ffi = require("ffi")
local abi = require("weir.abi")

local C = abi.C

local worker = {}

local counters = ffi.new("struct weir_counters")

--- The worker's number, from 0; nil outside of workers.
-- @treturn number|nil
function worker.id()
  local id = C.weir_worker_id()
  return id >= 0 and id or nil
end

--- The process. Workers are threads of one.
-- @treturn number
function worker.pid()
  return C.weir_worker_pid()
end

--- How many workers there are.
-- @treturn number
function worker.count()
  C.weir_counters(counters)
  return counters.workers
end

--- The process of each worker.
-- @treturn {number,...}
function worker.pids()
  local pids = {}
  for i = 1, worker.count() do
    pids[i] = C.weir_worker_pid()
  end
  return pids
end

--- Whether it drains: no new connections come.
-- @treturn boolean
function worker.exiting()
  return C.weir_worker_exiting() == 1
end

return worker
