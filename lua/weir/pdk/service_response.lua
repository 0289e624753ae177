-- kong.service.response: the response as it came from upstream.
local abi = require("weir.abi")
local headers = require("weir.pdk.headers")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")

local C = abi.C
local check = phase.check
local AFTER = phase.set("response", "header_filter", "body_filter", "log")

local SERVICE = C.WEIR_HEADERS_SERVICE

local response = {}

--- The status.
-- @treturn number|nil nil when the request was not proxied
function response.get_status()
  check(AFTER)
  return native.number(C.WEIR_SERVICE_STATUS)
end

--- The first value of a field.
function response.get_header(name)
  check(AFTER)
  if type(name) ~= "string" then
    error("header name must be a string", 2)
  end
  return native.header(SERVICE, name)
end

--- All fields.
-- @tparam ?number max_headers between 1 and 1000, 100 by default
function response.get_headers(max_headers)
  check(AFTER)
  max_headers = headers.limit(max_headers)
  return headers.read(SERVICE, max_headers)
end

return response
