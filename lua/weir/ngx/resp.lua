-- ngx.resp: the header fields of the response as a whole.
local abi = require("weir.abi")
local context = require("weir.ngx.context")
local headers = require("weir.pdk.headers")
local phase = require("weir.pdk.phase")

local C = abi.C

local RESPONSE = C.WEIR_HEADERS_RESPONSE

local MAX_HEADERS, MOST_HEADERS = 100, 1000

local resp = {}

--- All fields.
-- @tparam ?number max 100 if nil; 0: as many as there may be
-- @tparam ?boolean raw names as they are sent
-- @treturn table
-- @treturn nil|string "truncated"
function resp.get_headers(max, raw)
  context.check(phase.REQUEST)
  max = max == 0 and MOST_HEADERS or math.min(max or MAX_HEADERS, MOST_HEADERS)
  return headers.read(RESPONSE, max, raw)
end

--- Adds a field.
-- @tparam string name
-- @param value string, number, or a list of these
function resp.add_header(name, value)
  context.check(phase.HEAD)
  headers.add(RESPONSE, tostring(name), value)
end

return resp
