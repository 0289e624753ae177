-- kong.request: the client's request.
local ffi = require("ffi")
local abi = require("weir.abi")
local array_mt = require("kong.tools.cjson").array_mt
local arguments = require("weir.pdk.arguments")
local bodies = require("weir.pdk.bodies")
local headers = require("weir.pdk.headers")
local limit = require("weir.pdk.limit")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")
local wait = require("weir.wait")

local C = abi.C
local check, REQUEST = phase.check, phase.REQUEST
local BODY = phase.set("rewrite", "access", "response", "error", "admin_api")
local text, number = native.text, native.number
local find, lower, match, sub = string.find, string.lower, string.match, string.sub

local CLIENT = C.WEIR_HEADERS_REQUEST

local request = {}

-- ---- where the request was sent to

-- "user@Name:80" -> "name", "80"; the brackets of an IPv6 address belong to the host.
local function split_authority(authority)
  local at = find(authority, "@", 1, true)
  if at then
    authority = sub(authority, at + 1)
  end
  local host, port = match(authority, "^(%[[^%]]*%]):?(%d*)$")
  if not host then
    host, port = match(authority, "^([^:]*):?(%d*)")
  end
  return lower(host), port
end

local function is_trusted()
  return number(C.WEIR_CLIENT_TRUSTED) == 1
end

-- A field that only a trusted peer may set.
local function trusted_header(name)
  return is_trusted() and native.header(CLIENT, name) or nil
end

local function scheme()
  return number(C.WEIR_REQUEST_IS_TLS) == 1 and "https" or "http"
end

--- The scheme of the listener: "http" or "https".
-- @treturn string
function request.get_scheme()
  check(REQUEST)
  return scheme()
end

--- The host that the request names, in lower case, without port.
-- @treturn string
function request.get_host()
  check(REQUEST)
  return (split_authority(text(C.WEIR_REQUEST_HOST) or ""))
end

--- The port of the listener.
-- @treturn number
function request.get_port()
  phase.check_not_init()
  return number(C.WEIR_REQUEST_PORT)
end

--- Like get_scheme(), or what a trusted peer says in X-Forwarded-Proto.
-- @treturn string
function request.get_forwarded_scheme()
  check(REQUEST)
  local forwarded = trusted_header("x-forwarded-proto")
  return forwarded and lower(forwarded) or scheme()
end

--- Like get_host(), or what a trusted peer says in X-Forwarded-Host.
-- @treturn string
function request.get_forwarded_host()
  check(REQUEST)
  local forwarded = trusted_header("x-forwarded-host")
  return (split_authority(forwarded or text(C.WEIR_REQUEST_HOST) or ""))
end

local function valid_port(value)
  local port = tonumber(value)
  return port and port >= 0 and port <= 65535 and port % 1 == 0 and port or nil
end

--- Like get_port(), or what a trusted peer says in X-Forwarded-Port or, failing that,
-- X-Forwarded-Host.
-- @treturn number
function request.get_forwarded_port()
  check(REQUEST)
  local port = valid_port(trusted_header("x-forwarded-port"))
  if not port then
    local host = trusted_header("x-forwarded-host")
    port = host and valid_port(select(2, split_authority(host)))
  end
  return port or number(C.WEIR_REQUEST_PORT)
end

--- The path as it was sent, or what a trusted peer says in X-Forwarded-Path.
-- @treturn string
function request.get_forwarded_path()
  check(REQUEST)
  return trusted_header("x-forwarded-path") or text(C.WEIR_REQUEST_PATH)
end

--- What the route took off the path, or what a trusted peer says in X-Forwarded-Prefix.
-- @treturn string|nil
function request.get_forwarded_prefix()
  check(REQUEST)
  return trusted_header("x-forwarded-prefix") or text(C.WEIR_ROUTE_PREFIX)
end

--- 1.0 or 1.1.
-- @treturn number
function request.get_http_version()
  check(REQUEST)
  return number(C.WEIR_REQUEST_MINOR_VERSION) == 0 and 1.0 or 1.1
end

--- The method, as it was sent.
-- @treturn string
function request.get_method()
  check(REQUEST)
  return text(C.WEIR_REQUEST_METHOD)
end

--- The normalised path, without query.
-- @treturn string
function request.get_path()
  check(REQUEST)
  return text(C.WEIR_REQUEST_PATH_NORMAL)
end

--- The path as it was sent, without query.
-- @treturn string
function request.get_raw_path()
  check(REQUEST)
  return text(C.WEIR_REQUEST_PATH)
end

--- The target as it was sent.
-- @treturn string
function request.get_path_with_query()
  check(REQUEST)
  return text(C.WEIR_REQUEST_TARGET)
end

--- When the request began, in milliseconds since the epoch.
-- @treturn number
function request.get_start_time()
  check(REQUEST)
  return number(C.WEIR_REQUEST_START_MS)
end

-- As many groups of a route's expression as the core keeps.
local MAX_CAPTURES = 32

local captures = ffi.new("struct weir_str[?]", MAX_CAPTURES)
local capture_name = ffi.new("struct weir_str")

--- The groups of the expression that the route matched the path with, the first 32 of them.
-- @treturn table { unnamed = list of them by number, named = by name }; false: not set
function request.get_uri_captures()
  check(REQUEST)
  local unnamed, named = setmetatable({}, array_mt), {}
  for i = 0, C.weir_route_captures(captures, MAX_CAPTURES) - 1 do
    local group = captures[i]
    unnamed[i + 1] = group.p ~= nil and ffi.string(group.p, group.n)
  end
  local index = 0
  while true do
    local group = C.weir_route_capture_name(index, capture_name)
    if group < 0 then
      return { unnamed = unnamed, named = named }
    end
    named[ffi.string(capture_name.p, capture_name.n)] = unnamed[group]
    index = index + 1
  end
end

-- ---- query

--- The query as it was sent, without "?"; "" when there is none.
-- @treturn string
function request.get_raw_query()
  check(REQUEST)
  return text(C.WEIR_REQUEST_QUERY) or ""
end

--- The decoded query.
-- @tparam ?number max_args between 1 and 1000, 100 by default
-- @treturn table name -> value, true for an argument without value, or a list of these
-- @treturn nil|string "truncated"
function request.get_query(max_args)
  check(REQUEST)
  max_args = limit.of(max_args, "max_args")
  return arguments.decode(text(C.WEIR_REQUEST_QUERY) or "", max_args)
end

--- The first value of one argument.
-- @tparam string name
-- @treturn string|true|nil
function request.get_query_arg(name)
  check(REQUEST)
  if type(name) ~= "string" then
    error("query argument name must be a string", 2)
  end
  local query = text(C.WEIR_REQUEST_QUERY)
  if not query then
    return nil
  end
  local value = arguments.decode(query, limit.of())[name]
  if type(value) == "table" then
    return value[1]
  end
  return value
end

-- ---- headers

--- The first value of a field.
-- @tparam string name in any case; "-" and "_" are the same
-- @treturn string|nil
function request.get_header(name)
  check(REQUEST)
  if type(name) ~= "string" then
    error("header name must be a string", 2)
  end
  return native.header(CLIENT, name)
end

--- All fields.
-- @tparam ?number max_headers between 1 and 1000, 100 by default
-- @treturn table
-- @treturn nil|string "truncated"
function request.get_headers(max_headers)
  check(REQUEST)
  max_headers = limit.of(max_headers, "max_headers")
  return headers.read(CLIENT, max_headers)
end

-- ---- body

local body = ffi.new("struct weir_str")

-- What the core has of the body, or waits for the rest of it.
local function read_body()
  local state = C.weir_request_body(body)
  if state == 1 then
    return ffi.string(body.p, body.n)
  elseif state == 0 then
    return wait.body()
  end
  return nil, native.problem(state)
end

--- The body. It waits for it if need be. weir keeps bodies that plugins read in memory only, so
-- `max_file_size` never makes a larger one readable.
-- @tparam ?number max_file_size as in Kong
-- @treturn string|nil
-- @treturn nil|string
function request.get_raw_body(max_file_size)
  check(BODY)
  if max_file_size ~= nil and type(max_file_size) ~= "number" then
    error("max_file_size must be a number", 2)
  end
  return read_body()
end

--- The decoded body: a form, JSON or multipart.
-- @tparam ?string mimetype instead of the request's Content-Type
-- @tparam ?number max_args of a form, 100 by default
-- @tparam ?number max_file_size as for get_raw_body()
-- @treturn table|nil
-- @treturn nil|string
-- @treturn string|nil the media type
function request.get_body(mimetype, max_args, max_file_size)
  check(BODY)
  if mimetype ~= nil and type(mimetype) ~= "string" then
    error("mimetype must be a string", 2)
  end
  max_args = limit.of(max_args, "max_args")
  if max_file_size ~= nil and type(max_file_size) ~= "number" then
    error("max_file_size must be a number", 2)
  end
  return bodies.decode(read_body, native.header(CLIENT, "content-type"), mimetype, max_args)
end

return request
