-- ngx.var: nginx's variables, of the current request.
local abi = require("weir.abi")
local native = require("weir.pdk.native")
local request = require("weir.pdk.request")

local C = abi.C
local tostring = tostring

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

return setmetatable({}, {
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
