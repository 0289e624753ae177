-- Functions of ngx that tell the time.
local abi = require("weir.abi")

local C = abi.C
local tonumber = tonumber

local time = {}

--- Seconds since the epoch.
function time.time()
  return math.floor(tonumber(C.weir_time_ms()) / 1000)
end

--- Seconds since the epoch, with milliseconds.
function time.now()
  return tonumber(C.weir_time_ms()) / 1000
end

--- Time is never cached here.
function time.update_time() end

return time
