-- ngx.header: the header fields of the response, by name. "_" in names stands for "-".
local abi = require("weir.abi")
local context = require("weir.ngx.context")
local headers = require("weir.pdk.headers")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")

local C = abi.C

local RESPONSE = C.WEIR_HEADERS_RESPONSE

local ERR = 3 -- enum log_level

local function field_name(name)
  return (tostring(name):gsub("_", "-"))
end

local function is_empty(value)
  return value == nil or (type(value) == "table" and value[1] == nil)
end

return setmetatable({}, {
  -- A list where the field is there more than once.
  __index = function(_, name)
    context.check(phase.REQUEST)
    return headers.values(RESPONSE, field_name(name))
  end,
  -- nil removes the field. ngx_lua only logs that it is too late for a change.
  __newindex = function(_, name, value)
    context.check(phase.REQUEST)
    name = field_name(name)
    if native.number(C.WEIR_RESPONSE_SENT) == 1 then
      local line = ("[lua] attempt to set ngx.header.%s after sending out response headers")
        :format(name)
      C.weir_log(ERR, line, #line)
    elseif is_empty(value) then
      headers.clear(RESPONSE, name)
    else
      headers.set(RESPONSE, name, value)
    end
  end,
})
