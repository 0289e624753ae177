-- The global `ngx`: the part of ngx_lua that plugins use beside the PDK, one file per sub-table.
--
-- What is not here is missing altogether; README.md lists it.
local abi = require("weir.abi")
local answer = require("weir.ngx.answer")
local arg = require("weir.ngx.arg")
local current = require("weir.pdk.current")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")
local response = require("weir.pdk.response")

local C = abi.C

local ngx = {
  null = require("cjson").null,
  config = require("weir.ngx.config"),
  header = require("weir.ngx.header"),
  is_subrequest = false,
  re = require("weir.ngx.re"),
  req = require("weir.ngx.req"),
  resp = require("weir.ngx.resp"),
  shared = require("weir.ngx.shared").dictionaries,
  socket = require("weir.ngx.socket"),
  thread = require("weir.ngx.thread"),
  timer = require("weir.ngx.timer"),
  var = require("weir.ngx.var"),
  worker = require("weir.ngx.worker"),
  sleep = require("weir.wait").sleep,

  STDERR = 0, EMERG = 1, ALERT = 2, CRIT = 3, ERR = 4, WARN = 5, NOTICE = 6, INFO = 7, DEBUG = 8,

  OK = 0, ERROR = -1, AGAIN = -2, DONE = -4, DECLINED = -5,

  HTTP_GET = 2, HTTP_HEAD = 4, HTTP_POST = 8, HTTP_PUT = 16, HTTP_DELETE = 32, HTTP_MKCOL = 64,
  HTTP_COPY = 128, HTTP_MOVE = 256, HTTP_OPTIONS = 512, HTTP_PROPFIND = 1024,
  HTTP_PROPPATCH = 2048, HTTP_LOCK = 4096, HTTP_UNLOCK = 8192, HTTP_PATCH = 16384,
  HTTP_TRACE = 32768,

  HTTP_CONTINUE = 100, HTTP_SWITCHING_PROTOCOLS = 101, HTTP_OK = 200, HTTP_CREATED = 201,
  HTTP_ACCEPTED = 202, HTTP_NO_CONTENT = 204, HTTP_PARTIAL_CONTENT = 206,
  HTTP_SPECIAL_RESPONSE = 300, HTTP_MOVED_PERMANENTLY = 301, HTTP_MOVED_TEMPORARILY = 302,
  HTTP_SEE_OTHER = 303, HTTP_NOT_MODIFIED = 304, HTTP_TEMPORARY_REDIRECT = 307,
  HTTP_PERMANENT_REDIRECT = 308, HTTP_BAD_REQUEST = 400, HTTP_UNAUTHORIZED = 401,
  HTTP_PAYMENT_REQUIRED = 402, HTTP_FORBIDDEN = 403, HTTP_NOT_FOUND = 404, HTTP_NOT_ALLOWED = 405,
  HTTP_NOT_ACCEPTABLE = 406, HTTP_REQUEST_TIMEOUT = 408, HTTP_CONFLICT = 409, HTTP_GONE = 410,
  HTTP_UPGRADE_REQUIRED = 426, HTTP_TOO_MANY_REQUESTS = 429, HTTP_CLOSE = 444,
  HTTP_ILLEGAL = 451, HTTP_INTERNAL_SERVER_ERROR = 500, HTTP_METHOD_NOT_IMPLEMENTED = 501,
  HTTP_BAD_GATEWAY = 502, HTTP_SERVICE_UNAVAILABLE = 503, HTTP_GATEWAY_TIMEOUT = 504,
  HTTP_VERSION_NOT_SUPPORTED = 505, HTTP_INSUFFICIENT_STORAGE = 507,
}

for _, name in ipairs({ "eof", "exit", "flush", "print", "redirect", "say", "send_headers" }) do
  ngx[name] = answer[name]
end

-- Modules that hold functions of `ngx` itself.
for _, name in ipairs({ "base64", "digest", "log", "quoting", "time", "uri" }) do
  for key, value in pairs(require("weir.ngx." .. name)) do
    ngx[key] = value
  end
end

--- The name of the phase.
-- @treturn string
function ngx.get_phase()
  return phase.name()
end

return setmetatable(ngx, {
  __index = function(_, name)
    if name == "ctx" then
      return current.ctx("ngx")
    elseif name == "arg" then
      return arg
    elseif name == "headers_sent" then
      return answer.headers_sent()
    elseif name == "status" then
      return native.number(C.WEIR_RESPONSE_STATUS)
    end
    return nil
  end,
  __newindex = function(self, name, value)
    if name == "ctx" then
      if not current.assign("ngx", value) then
        error("no request", 2)
      end
    elseif name == "status" then
      response.set_status(value)
    else
      rawset(self, name, value)
    end
  end,
})
