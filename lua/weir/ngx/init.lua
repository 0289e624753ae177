-- The global `ngx`: the part of ngx_lua that plugins use beside the PDK, one file per sub-table.
--
-- What is not here is missing altogether; README.md lists it.
local abi = require("weir.abi")
local arg = require("weir.ngx.arg")
local current = require("weir.pdk.current")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")
local response = require("weir.pdk.response")

local C = abi.C

local ngx = {
  null = require("cjson").null,
  config = { subsystem = "http", prefix = function() return "" end },
  re = require("weir.ngx.re"),
  shared = require("weir.ngx.shared").dictionaries,
  var = require("weir.ngx.var"),
  worker = require("weir.ngx.worker"),

  STDERR = 0, EMERG = 0, ALERT = 1, CRIT = 2, ERR = 3, WARN = 4, NOTICE = 5, INFO = 6, DEBUG = 7,

  OK = 0, ERROR = -1, AGAIN = -2, DONE = -4, DECLINED = -5,

  HTTP_OK = 200, HTTP_CREATED = 201, HTTP_NO_CONTENT = 204, HTTP_MOVED_PERMANENTLY = 301,
  HTTP_MOVED_TEMPORARILY = 302, HTTP_NOT_MODIFIED = 304, HTTP_BAD_REQUEST = 400,
  HTTP_UNAUTHORIZED = 401, HTTP_FORBIDDEN = 403, HTTP_NOT_FOUND = 404, HTTP_NOT_ALLOWED = 405,
  HTTP_CONFLICT = 409, HTTP_TOO_MANY_REQUESTS = 429, HTTP_INTERNAL_SERVER_ERROR = 500,
  HTTP_BAD_GATEWAY = 502, HTTP_SERVICE_UNAVAILABLE = 503, HTTP_GATEWAY_TIMEOUT = 504,
}

-- Modules that hold functions of `ngx` itself.
for _, name in ipairs({ "base64", "log", "time" }) do
  for key, value in pairs(require("weir.ngx." .. name)) do
    ngx[key] = value
  end
end

--- The name of the phase.
function ngx.get_phase()
  return phase.name()
end

-- The request's table of ngx.ctx. Assigning another table copies it: the table itself lives with
-- the request.
local function assign_context(value)
  local context = current.ctx("ngx")
  if not context then
    error("no request", 3)
  end
  for key in pairs(context) do
    context[key] = nil
  end
  for key, item in pairs(value) do
    context[key] = item
  end
end

return setmetatable(ngx, {
  __index = function(_, name)
    if name == "ctx" then
      return current.ctx("ngx")
    elseif name == "arg" then
      return arg
    elseif name == "status" then
      return native.number(C.WEIR_RESPONSE_STATUS)
    end
    return nil
  end,
  __newindex = function(self, name, value)
    if name == "ctx" then
      assign_context(value)
    elseif name == "status" then
      response.set_status(value)
    else
      rawset(self, name, value)
    end
  end,
})
