-- ngx.worker: this worker among the others.
local abi = require("weir.abi")

local C = abi.C

local worker = {}

--- The worker's number, from 0; nil outside of workers.
function worker.id()
  local id = C.weir_worker_id()
  return id >= 0 and id or nil
end

--- The process. Workers are threads of one.
function worker.pid()
  return C.weir_worker_pid()
end

return worker
