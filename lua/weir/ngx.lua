-- The global `ngx`: the part of ngx_lua that plugins use beside the PDK.
--
-- What is not here is missing altogether. ngx.re, timers, shared dictionaries and sockets are.
local ffi = require("ffi")
local abi = require("weir.abi")
local current = require("weir.pdk.current")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")
local request = require("weir.pdk.request")
local response = require("weir.pdk.response")

local C = abi.C
local tonumber, tostring, type = tonumber, tostring, type

local ngx = {
  null = require("cjson").null,
  config = { subsystem = "http", prefix = function() return "" end },

  STDERR = 0, EMERG = 0, ALERT = 1, CRIT = 2, ERR = 3, WARN = 4, NOTICE = 5, INFO = 6, DEBUG = 7,

  OK = 0, ERROR = -1, AGAIN = -2, DONE = -4, DECLINED = -5,

  HTTP_OK = 200, HTTP_CREATED = 201, HTTP_NO_CONTENT = 204, HTTP_MOVED_PERMANENTLY = 301,
  HTTP_MOVED_TEMPORARILY = 302, HTTP_NOT_MODIFIED = 304, HTTP_BAD_REQUEST = 400,
  HTTP_UNAUTHORIZED = 401, HTTP_FORBIDDEN = 403, HTTP_NOT_FOUND = 404, HTTP_NOT_ALLOWED = 405,
  HTTP_CONFLICT = 409, HTTP_TOO_MANY_REQUESTS = 429, HTTP_INTERNAL_SERVER_ERROR = 500,
  HTTP_BAD_GATEWAY = 502, HTTP_SERVICE_UNAVAILABLE = 503, HTTP_GATEWAY_TIMEOUT = 504,
}

-- ---- time

--- Seconds since the epoch.
function ngx.time()
  return math.floor(tonumber(C.weir_time_ms()) / 1000)
end

--- Seconds since the epoch, with milliseconds.
function ngx.now()
  return tonumber(C.weir_time_ms()) / 1000
end

--- Time is never cached here.
function ngx.update_time() end

-- ---- base64

local ENCODED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local digits, values = {}, {}
for i = 1, #ENCODED do
  digits[i - 1] = ENCODED:byte(i)
  values[ENCODED:byte(i)] = i - 1
end
local PAD = ("="):byte()

--- Encodes bytes.
-- @tparam string text
-- @tparam ?boolean no_padding
-- @treturn string
function ngx.encode_base64(text, no_padding)
  text = type(text) == "string" and text or tostring(text)
  local out = ffi.new("uint8_t[?]", math.ceil(#text / 3) * 4 + 1)
  local at = 0
  for i = 1, #text, 3 do
    local a, b, c = text:byte(i, i + 2)
    local bits = a * 65536 + (b or 0) * 256 + (c or 0)
    out[at] = digits[math.floor(bits / 262144)]
    out[at + 1] = digits[math.floor(bits / 4096) % 64]
    out[at + 2] = b and digits[math.floor(bits / 64) % 64] or PAD
    out[at + 3] = c and digits[bits % 64] or PAD
    at = at + 4
  end
  if no_padding then
    at = at - (3 - #text % 3) % 3
  end
  return ffi.string(out, at)
end

--- Decodes, with or without padding.
-- @tparam string text
-- @treturn string|nil nil when it is no base64
function ngx.decode_base64(text)
  if type(text) ~= "string" then
    error("string argument only", 2)
  end
  local body = text:gsub("=?=$", "")
  if #body % 4 == 1 then
    return nil
  end
  local out = ffi.new("uint8_t[?]", math.floor(#body * 3 / 4) + 1)
  local at, bits, have = 0, 0, 0
  for i = 1, #body do
    local value = values[body:byte(i)]
    if not value then
      return nil
    end
    bits, have = bits * 64 + value, have + 6
    if have >= 8 then
      have = have - 8
      out[at] = math.floor(bits / 2 ^ have)
      bits = bits % 2 ^ have
      at = at + 1
    end
  end
  return ffi.string(out, at)
end

-- ---- log

--- Writes to the error log.
-- @tparam number level ngx.EMERG to ngx.DEBUG
-- @param ... values
function ngx.log(level, ...)
  if level > C.weir_log_level() then
    return
  end
  local info = debug.getinfo(2, "Sln")
  local parts = { ... }
  for i = 1, select("#", ...) do
    parts[i] = tostring(parts[i])
  end
  local line = ("[lua] %s:%d: %s%s"):format(info.short_src:match("[^/]+$") or info.short_src,
    info.currentline, info.name and info.name .. "(): " or "", table.concat(parts))
  C.weir_log(level, line, #line)
end

-- ---- the request

--- The name of the phase.
function ngx.get_phase()
  return phase.name()
end

ngx.worker = {
  id = function()
    local id = C.weir_worker_id()
    return id >= 0 and id or nil
  end,
  pid = function()
    return C.weir_worker_pid()
  end,
}

local function header(where)
  return function(name)
    return native.header(where, name)
  end
end

local request_header = header(C.WEIR_HEADERS_REQUEST)
local response_header = header(C.WEIR_HEADERS_RESPONSE)

local function text(what)
  return function()
    return native.text(what)
  end
end

local function number(what)
  return function()
    local value = native.number(what)
    return value and tostring(value)
  end
end

-- nginx's variables are texts.
local variables = {
  args = text(C.WEIR_REQUEST_QUERY),
  bytes_sent = number(C.WEIR_RESPONSE_BYTES),
  host = request.get_host,
  server_protocol = function()
    return ("HTTP/%.1f"):format(request.get_http_version())
  end,
  query_string = text(C.WEIR_REQUEST_QUERY),
  realip_remote_addr = text(C.WEIR_CLIENT_IP),
  remote_addr = text(C.WEIR_CLIENT_FORWARDED_IP),
  remote_port = number(C.WEIR_CLIENT_FORWARDED_PORT),
  request_id = text(C.WEIR_REQUEST_ID),
  kong_request_id = text(C.WEIR_REQUEST_ID),
  request_length = number(C.WEIR_REQUEST_BYTES),
  request_method = text(C.WEIR_REQUEST_METHOD),
  request_uri = text(C.WEIR_REQUEST_TARGET),
  scheme = request.get_scheme,
  server_port = number(C.WEIR_REQUEST_PORT),
  ssl_cipher = text(C.WEIR_TLS_CIPHER),
  ssl_protocol = text(C.WEIR_TLS_VERSION),
  ssl_server_name = text(C.WEIR_REQUEST_SNI),
  status = number(C.WEIR_RESPONSE_STATUS),
  upstream_addr = text(C.WEIR_UPSTREAM_ADDR),
  upstream_status = number(C.WEIR_SERVICE_STATUS),
  uri = text(C.WEIR_REQUEST_PATH_NORMAL),
}

ngx.var = setmetatable({}, {
  __index = function(_, name)
    if variables[name] then
      return variables[name]()
    end
    local field = name:match("^http_(.+)$")
    if field then
      return request_header(field)
    end
    field = name:match("^sent_http_(.+)$")
    return field and response_header(field) or nil
  end,
  __newindex = function(_, name)
    error(("variable %q is not changeable"):format(name), 2)
  end,
})

-- ngx.arg in body_filter: [1] the piece of the body, [2] whether it is the last.
local piece = ffi.new("struct weir_str")
local last = ffi.new("int[1]")

local arg = setmetatable({}, {
  __index = function(_, at)
    if C.weir_chunk_get(piece, last) < 0 then
      error("API disabled in the current context", 2)
    elseif at == 1 then
      return ffi.string(piece.p, piece.n)
    end
    return last[0] == 1
  end,
  __newindex = function(_, at, value)
    local result
    if at == 1 then
      local replacement = value == nil and "" or tostring(value)
      result = C.weir_chunk_set(replacement, #replacement)
    else
      result = C.weir_chunk_set_last(value and 1 or 0)
    end
    if result < 0 then
      error("API disabled in the current context", 2)
    end
  end,
})

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
