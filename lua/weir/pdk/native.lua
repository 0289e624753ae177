-- Questions to the core about the current request, without garbage beyond the strings they return.
local ffi = require("ffi")
local abi = require("weir.abi")

local C = abi.C
local ffi_string = ffi.string
local tonumber = tonumber

local native = {}

-- Filled by the core and read at once: no function of the PDK is ever interrupted in between.
local out = ffi.new("struct weir_str")

--- A text of the current request.
-- @tparam number what WEIR_REQUEST_… and its neighbours
-- @treturn string|nil nil when there is none
function native.text(what)
  if C.weir_request_str(what, out) < 0 then
    return nil
  end
  return ffi_string(out.p, out.n)
end

--- A number of the current request.
-- @tparam number what WEIR_REQUEST_PORT and its neighbours
-- @treturn number|nil nil when there is none
function native.number(what)
  local value = tonumber(C.weir_request_number(what))
  if value < 0 then
    return nil
  end
  return value
end

--- The first value of a header field.
-- @tparam number where WEIR_HEADERS_…
-- @tparam string name in any case; "-" and "_" are the same
-- @treturn string|nil
function native.header(where, name)
  if C.weir_header_get(where, name, #name, out) < 0 then
    return nil
  end
  return ffi_string(out.p, out.n)
end

local PHASE = -1 -- WEIR_ERR_PHASE

--- Why the core refused a call.
-- @tparam number result what the call returned
-- @treturn string
function native.problem(result)
  if result == PHASE then
    return "not possible at this point of the request"
  end
  return ffi_string(C.weir_error())
end

return native
