-- kong.tools.time. Time is never cached: "updated" or not, it is now.
local abi = require("weir.abi")
local native = require("weir.pdk.native")

local C = abi.C

local time = {}

local NS_PER_MS = 1000000

--- Milliseconds since the epoch.
function time.get_now_ms()
  return tonumber(C.weir_time_ms())
end

time.get_updated_now_ms = time.get_now_ms

--- Seconds since the epoch, with a fraction.
function time.get_updated_now()
  return time.get_now_ms() / 1000
end

--- Nanoseconds since the epoch, as exact as milliseconds are.
function time.time_ns()
  return time.get_now_ms() * NS_PER_MS
end

--- When the request began, in milliseconds since the epoch.
-- @treturn number|nil nil outside of requests
function time.get_start_time_ms()
  return native.number(C.WEIR_REQUEST_START_MS)
end

return time
