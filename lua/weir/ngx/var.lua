-- ngx.var: nginx's variables, of the current request. Their values are texts; what there is not is
-- nil.
local abi = require("weir.abi")
local address = require("weir.text.ip")
local base64 = require("weir.ngx.base64")
local context = require("weir.ngx.context")
local current = require("weir.pdk.current")
local headers = require("weir.pdk.headers")
local native = require("weir.pdk.native")
local node = require("weir.pdk.node")
local phase = require("weir.pdk.phase")
local request = require("weir.pdk.request")
local tries = require("weir.runner.try")

local C = abi.C
local REQUEST = phase.REQUEST
local tostring = tostring

local CLIENT, SERVICE, RESPONSE =
  C.WEIR_HEADERS_REQUEST, C.WEIR_HEADERS_SERVICE, C.WEIR_HEADERS_RESPONSE

-- ---- kinds of variables

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

local function field(name)
  return function()
    return native.header(CLIENT, name)
  end
end

-- Milliseconds as seconds, "0.012".
local function seconds(what)
  return function()
    local value = native.number(what)
    return value and ("%.3f"):format(value / 1000)
  end
end

-- ---- what is put together

local function is_tls()
  return native.number(C.WEIR_REQUEST_IS_TLS) == 1
end

local function protocol()
  return ("HTTP/%.1f"):format(request.get_http_version())
end

local function upstream_addresses()
  local parts = {}
  for i, try in ipairs(tries.made()) do
    local form = try.ip:find(":", 1, true) and "[%s]:%d" or "%s:%d"
    parts[i] = form:format(try.ip, try.port)
  end
  return parts[1] and table.concat(parts, ", ")
end

local function upstream_statuses()
  local statuses = tries.statuses(tries.made())
  return statuses ~= "" and statuses or nil
end

local function upstream_time()
  local waited = native.number(C.WEIR_LATENCY_UPSTREAM)
  return waited and ("%.3f"):format((waited + native.number(C.WEIR_LATENCY_RECEIVE)) / 1000)
end

local function remote_user()
  local credentials = (native.header(CLIENT, "authorization") or ""):match("^[Bb]asic +(%S+)")
  local plain = credentials and base64.decode_base64(credentials)
  return plain and plain:match("^([^:]*):")
end

-- An address as its bytes.
local function binary_remote_addr()
  local groups, width = address.groups(native.text(C.WEIR_CLIENT_FORWARDED_IP))
  local bytes = {}
  for _, group in ipairs(groups or {}) do
    if width == 16 then
      bytes[#bytes + 1] = string.char(math.floor(group / 256))
    end
    bytes[#bytes + 1] = string.char(group % 256)
  end
  return table.concat(bytes)
end

local function client_verify()
  return is_tls() and (current.ctx("ngx").CLIENT_VERIFY_OVERRIDE or "NONE") or nil
end

local variables = {
  args = text(C.WEIR_SERVICE_QUERY_OUT),
  binary_remote_addr = binary_remote_addr,
  body_bytes_sent = number(C.WEIR_RESPONSE_BYTES),
  bytes_sent = function()
    return tostring(native.number(C.WEIR_RESPONSE_HEAD_BYTES)
      + native.number(C.WEIR_RESPONSE_BYTES))
  end,
  connection = number(C.WEIR_CONNECTION),
  connection_requests = number(C.WEIR_CONNECTION_REQUESTS),
  content_length = field("content-length"),
  content_type = field("content-type"),
  document_uri = text(C.WEIR_REQUEST_PATH_NORMAL),
  host = request.get_host,
  hostname = node.get_hostname,
  https = function()
    return is_tls() and "on" or ""
  end,
  is_args = function()
    return (native.text(C.WEIR_SERVICE_QUERY_OUT) or "") ~= "" and "?" or ""
  end,
  kong_request_id = text(C.WEIR_REQUEST_ID),
  msec = function()
    return ("%.3f"):format(tonumber(C.weir_time_ms()) / 1000)
  end,
  pid = function()
    return tostring(C.weir_worker_pid())
  end,
  query_string = text(C.WEIR_SERVICE_QUERY_OUT),
  realip_remote_addr = text(C.WEIR_CLIENT_IP),
  realip_remote_port = number(C.WEIR_CLIENT_PORT),
  remote_addr = text(C.WEIR_CLIENT_FORWARDED_IP),
  remote_port = number(C.WEIR_CLIENT_FORWARDED_PORT),
  remote_user = remote_user,
  request = function()
    return ("%s %s %s"):format(request.get_method(), request.get_path_with_query(), protocol())
  end,
  request_id = text(C.WEIR_REQUEST_ID),
  request_length = number(C.WEIR_REQUEST_BYTES),
  request_method = text(C.WEIR_REQUEST_METHOD),
  request_time = seconds(C.WEIR_LATENCY_REQUEST),
  request_uri = text(C.WEIR_REQUEST_TARGET),
  scheme = request.get_scheme,
  server_addr = text(C.WEIR_SERVER_ADDR),
  server_name = function()
    return "kong"
  end,
  server_port = number(C.WEIR_REQUEST_PORT),
  server_protocol = protocol,
  ssl_cipher = text(C.WEIR_TLS_CIPHER),
  ssl_client_verify = client_verify,
  ssl_protocol = text(C.WEIR_TLS_VERSION),
  ssl_server_name = text(C.WEIR_REQUEST_SNI),
  status = number(C.WEIR_RESPONSE_STATUS),
  time_iso8601 = function()
    return (os.date("%Y-%m-%dT%H:%M:%S%z"):gsub("(%d%d)$", ":%1"))
  end,
  time_local = function()
    return os.date("%d/%b/%Y:%H:%M:%S %z")
  end,
  upstream_addr = upstream_addresses,
  upstream_header_time = seconds(C.WEIR_LATENCY_UPSTREAM),
  upstream_host = text(C.WEIR_SERVICE_HOST_OUT),
  upstream_response_time = upstream_time,
  upstream_scheme = function()
    return native.number(C.WEIR_SERVICE_IS_TLS) == 1 and "https" or "http"
  end,
  upstream_status = upstream_statuses,
  upstream_uri = text(C.WEIR_SERVICE_PATH_OUT),
  uri = text(C.WEIR_REQUEST_PATH_NORMAL),
}

-- ---- families: a name's part after the first "_", or after a longer prefix

-- The value of a query argument as it is written, the name in any case.
local function argument(name)
  for piece in (native.text(C.WEIR_SERVICE_QUERY_OUT) or ""):gmatch("[^&]+") do
    local own, value = piece:match("^([^=]*)=?(.*)$")
    if own:lower() == name:lower() then
      return value
    end
  end
end

local function cookie(name)
  for piece in (native.header(CLIENT, "cookie") or ""):gmatch("[^;]+") do
    local own, value = piece:match("^%s*([^=]*)=(.*)$")
    if own == name then
      return (value:gsub("%s+$", ""))
    end
  end
end

-- All fields of a name as one text, as nginx joins them.
local function joined(where)
  return function(name)
    local values = headers.values(where, name)
    return type(values) == "table" and table.concat(values, ", ") or values
  end
end

local families = {
  { "^http_(.+)$", joined(CLIENT) },
  { "^arg_(.+)$", argument },
  { "^cookie_(.+)$", cookie },
  { "^sent_http_(.+)$", joined(RESPONSE) },
  { "^upstream_http_(.+)$", joined(SERVICE) },
}

-- ---- what can be changed

local function checked(result)
  if result < 0 then
    error(native.problem(result), 4)
  end
end

local function set_query(value)
  value = tostring(value or "")
  checked(C.weir_service_set_query(value, #value))
end

local writers = {
  args = set_query,
  upstream_host = function(value)
    headers.set(C.WEIR_HEADERS_UPSTREAM, "Host", value)
  end,
  upstream_scheme = function(value)
    if value ~= "http" and value ~= "https" then
      error("invalid scheme: " .. tostring(value), 3)
    end
    checked(C.weir_service_set_scheme(value == "https" and 1 or 0))
  end,
  -- With a "?" it brings its own query.
  upstream_uri = function(value)
    local path, query = tostring(value):match("^([^?]*)%??(.*)$")
    checked(C.weir_service_set_path(path, #path))
    if #path < #value then
      set_query(query)
    end
  end,
}

return setmetatable({}, {
  __index = function(_, name)
    context.check(REQUEST)
    if variables[name] then
      return variables[name]()
    end
    for _, family in ipairs(families) do
      local rest = tostring(name):match(family[1])
      if rest then
        return family[2](rest)
      end
    end
    return nil
  end,
  __newindex = function(_, name, value)
    context.check(REQUEST)
    if not writers[name] then
      local known = variables[name] and "variable \"%s\" not changeable"
        or "variable \"%s\" not found for writing; maybe it is a built-in variable that is not "
        .. "changeable or you forgot to use \"set $%s '';\" in the config file to define it first"
      error(known:format(name, name), 2)
    end
    writers[name](value)
  end,
})
