-- ngx.ctx's times as Kong's, in milliseconds, for plugins that trace and measure: when the request
-- began, since the epoch; and of one that is proxied, how long it took to go upstream, from there
-- to the head of the response, and from that to its end.
local abi = require("weir.abi")
local fields = require("weir.pdk.ctx_fields")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")

local C = abi.C
local LOG = phase.set("log")

function fields.KONG_PROCESSING_START()
  return native.number(C.WEIR_REQUEST_START_MS)
end

function fields.KONG_PROXY_LATENCY()
  return native.number(C.WEIR_LATENCY_PROXY)
end

function fields.KONG_WAITING_TIME()
  return native.number(C.WEIR_LATENCY_UPSTREAM)
end

function fields.KONG_RECEIVE_TIME()
  return phase.is(LOG) and native.number(C.WEIR_LATENCY_RECEIVE)
end
