-- ngx.req: the client's request, to read and, before it goes upstream, to change. The target and
-- the method that are set here are those for the upstream.
local ffi = require("ffi")
local abi = require("weir.abi")
local arguments = require("weir.pdk.arguments")
local context = require("weir.ngx.context")
local current = require("weir.pdk.current")
local headers = require("weir.pdk.headers")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")
local uri = require("weir.ngx.uri")
local wait = require("weir.wait")

local C = abi.C
local check, REQUEST = context.check, phase.REQUEST
local CHANGE = phase.set("rewrite", "access", "balancer")
local READ = phase.set("rewrite", "access", "response")
local text, number = native.text, native.number
local type = type

local CLIENT = C.WEIR_HEADERS_REQUEST

local MAX_ARGS, MAX_HEADERS, MOST_HEADERS = 100, 100, 1000

local req = {}

local function checked(result)
  if result < 0 then
    error(native.problem(result), 3)
  end
end

-- ---- the request line

-- ngx.HTTP_… -> name
local METHODS = {
  [2] = "GET", [4] = "HEAD", [8] = "POST", [16] = "PUT", [32] = "DELETE", [64] = "MKCOL",
  [128] = "COPY", [256] = "MOVE", [512] = "OPTIONS", [1024] = "PROPFIND", [2048] = "PROPPATCH",
  [4096] = "LOCK", [8192] = "UNLOCK", [16384] = "PATCH", [32768] = "TRACE",
}

--- The method, as it goes upstream.
function req.get_method()
  check(REQUEST)
  return text(C.WEIR_SERVICE_METHOD_OUT)
end

--- @tparam number method ngx.HTTP_GET and its siblings
function req.set_method(method)
  check(CHANGE)
  local name = METHODS[method]
  if not name then
    error(("unsupported HTTP method: %s"):format(tostring(method)), 2)
  end
  checked(C.weir_service_set_method(name, #name))
end

--- 1.0 or 1.1.
function req.http_version()
  check(REQUEST)
  return number(C.WEIR_REQUEST_MINOR_VERSION) == 0 and 1.0 or 1.1
end

--- When the request began, in seconds since the epoch.
function req.start_time()
  check(REQUEST)
  return number(C.WEIR_REQUEST_START_MS) / 1000
end

--- No request of weir's is one.
function req.is_internal()
  check(REQUEST)
  return false
end

--- The path that goes upstream.
-- @tparam string path unescaped
function req.set_uri(path)
  check(CHANGE)
  if type(path) ~= "string" then
    error(("bad argument #1 to 'set_uri' (string expected, got %s)"):format(type(path)), 2)
  elseif path == "" then
    error("attempt to use zero-length uri", 2)
  end
  local escaped = uri.escape_uri(path, 0)
  checked(C.weir_service_set_path(escaped, #escaped))
end

--- The arguments of the query, as it goes upstream.
-- @tparam ?number max 100 if nil; 0: all
-- @treturn table
-- @treturn nil|string "truncated"
function req.get_uri_args(max)
  check(REQUEST)
  return uri.decode_args(text(C.WEIR_SERVICE_QUERY_OUT) or "", max)
end

req.get_query_args = req.get_uri_args

--- The query that goes upstream.
-- @tparam string|number|table args as it is, or for encode_args()
function req.set_uri_args(args)
  check(CHANGE)
  local kind = type(args)
  if kind ~= "string" and kind ~= "number" and kind ~= "table" then
    error(("bad argument #1 to 'set_uri_args' (string, number, or table expected, but got %s)")
      :format(kind), 2)
  end
  local query = kind == "table" and uri.encode_args(args) or tostring(args)
  checked(C.weir_service_set_query(query, #query))
end

-- ---- header fields

-- 0 asks for all.
local function header_limit(max)
  return max == 0 and MOST_HEADERS or math.min(max or MAX_HEADERS, MOST_HEADERS)
end

--- All fields.
-- @tparam ?number max 100 if nil; 0: as many as there may be
-- @tparam ?boolean raw names as they were sent
-- @treturn table
-- @treturn nil|string "truncated"
function req.get_headers(max, raw)
  check(REQUEST)
  return headers.read(CLIENT, header_limit(max), raw)
end

--- Replaces a field; nil removes it.
-- @tparam string name
-- @param value string, number, or a list of these
function req.set_header(name, value)
  check(CHANGE)
  if value == nil or (type(value) == "table" and value[1] == nil) then
    headers.clear(C.WEIR_HEADERS_UPSTREAM, tostring(name))
  else
    headers.set(C.WEIR_HEADERS_UPSTREAM, tostring(name), value)
  end
end

--- Removes a field.
-- @tparam string name
function req.clear_header(name)
  check(CHANGE)
  headers.clear(C.WEIR_HEADERS_UPSTREAM, tostring(name))
end

--- The head as text.
-- @tparam ?boolean without_line leaves the request line out
-- @treturn string
function req.raw_header(without_line)
  check(REQUEST)
  local lines = {}
  if not without_line then
    lines[1] = ("%s %s HTTP/%.1f"):format(text(C.WEIR_REQUEST_METHOD),
      text(C.WEIR_REQUEST_TARGET), req.http_version())
  end
  for name, value in headers.each(CLIENT, MOST_HEADERS) do
    lines[#lines + 1] = name .. ": " .. value
  end
  lines[#lines + 1] = "\r\n"
  return table.concat(lines, "\r\n")
end

-- ---- body

local body = ffi.new("struct weir_str")

--- Waits for the body.
function req.read_body()
  check(READ)
  if C.weir_request_body(body) == 0 then
    wait.body()
  end
end

--- The body that was read.
-- @tparam ?number max bytes of it
-- @treturn string|nil nil when there is none, it was not read, or does not fit into memory
function req.get_body_data(max)
  check(REQUEST)
  if C.weir_request_body(body) ~= 1 or body.n == 0 then
    return nil
  end
  local n = tonumber(body.n)
  return ffi.string(body.p, max and max > 0 and math.min(max, n) or n)
end

--- Bodies are never in files.
-- @treturn nil
function req.get_body_file()
  check(REQUEST)
  return nil
end

--- The arguments of a form that was read.
-- @tparam ?number max as for get_uri_args()
function req.get_post_args(max)
  check(REQUEST)
  local data = req.get_body_data()
  return arguments.decode(data or "", max == 0 and math.huge or max or MAX_ARGS)
end

--- Replaces the body.
-- @tparam string data
function req.set_body_data(data)
  check(CHANGE)
  if type(data) ~= "string" then
    error(("bad argument #1 to 'set_body_data' (string expected, got %s)"):format(type(data)), 2)
  end
  checked(C.weir_service_set_body(data, #data))
end

--- The upstream gets no body.
function req.discard_body()
  check(CHANGE)
  checked(C.weir_service_set_body("", 0))
end

-- The key of the request's table of pieces of a body that a plugin builds.
local PIECES = {}

--- Begins a body that append_body() builds.
function req.init_body()
  check(CHANGE)
  local pieces = current.ctx(PIECES)
  for i = #pieces, 1, -1 do
    pieces[i] = nil
  end
end

--- @tparam string piece
function req.append_body(piece)
  check(CHANGE)
  local pieces = current.ctx(PIECES)
  pieces[#pieces + 1] = piece
end

--- Replaces the body by what was built.
function req.finish_body()
  check(CHANGE)
  req.set_body_data(table.concat(current.ctx(PIECES)))
end

return req
