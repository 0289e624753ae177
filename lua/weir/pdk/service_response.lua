-- kong.service.response: the response as it came from upstream.
local ffi = require("ffi")
local abi = require("weir.abi")
local bodies = require("weir.pdk.bodies")
local headers = require("weir.pdk.headers")
local limit = require("weir.pdk.limit")
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
-- @tparam string name in any case; "-" and "_" are the same
-- @treturn string|nil
function response.get_header(name)
  check(AFTER)
  if type(name) ~= "string" then
    error("header name must be a string", 2)
  end
  return native.header(SERVICE, name)
end

--- All fields.
-- @tparam ?number max_headers between 1 and 1000, 100 by default
-- @treturn table name -> value, or list of values
-- @treturn nil|string "truncated"
function response.get_headers(max_headers)
  check(AFTER)
  max_headers = limit.of(max_headers, "max_headers")
  return headers.read(SERVICE, max_headers)
end

local NOT_HELD = "service body is only available with buffered proxying "
  .. "(see: kong.service.request.enable_buffering function)"

local out = ffi.new("struct weir_str")

local function held()
  if C.weir_service_held(out) < 0 then
    error(NOT_HELD, 3)
  end
  return ffi.string(out.p, out.n)
end

--- The whole body, where a plugin implements `response` or has called
-- kong.service.request.enable_buffering().
-- @treturn string
function response.get_raw_body()
  check(AFTER)
  local body = held() -- no tail call: the error is its caller's caller's
  return body
end

--- The body, read as its Content-Type says.
-- @tparam ?string mimetype instead of the Content-Type
-- @tparam ?number max_args of a form, 100 by default
-- @treturn table|nil
-- @treturn nil|string why not
-- @treturn string|nil the media type
function response.get_body(mimetype, max_args)
  check(AFTER)
  if mimetype ~= nil and type(mimetype) ~= "string" then
    error("mimetype must be a string", 2)
  end
  max_args = limit.of(max_args, "max_args")
  local raw = held()
  local function read()
    return raw
  end
  return bodies.decode(read, native.header(SERVICE, "content-type"), mimetype, max_args)
end

return response
