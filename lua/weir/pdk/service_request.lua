-- kong.service.request: the request as it goes upstream.
local cjson = require("kong.tools.cjson")
local abi = require("weir.abi")
local arguments = require("weir.pdk.arguments")
local core = require("weir.core")
local headers = require("weir.pdk.headers")
local hex = require("weir.text.hex")
local multipart = require("weir.pdk.multipart")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")

local C = abi.C
local check = phase.check
local RA = phase.set("rewrite", "access")
local RAB = phase.set("rewrite", "access", "balancer")
local BALANCER = phase.set("balancer", "preread")
local type = type

local UPSTREAM = C.WEIR_HEADERS_UPSTREAM

local METHODS = {}
for _, method in ipairs({
  "GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "MKCOL", "COPY", "MOVE", "PROPFIND",
  "PROPPATCH", "LOCK", "UNLOCK", "PATCH", "TRACE",
}) do
  METHODS[method] = true
end

local request = {}

local function checked(result)
  if result < 0 then
    error(native.problem(result), 3)
  end
end

--- Has the whole response read before anything of it goes out, for
-- kong.service.response.get_raw_body().
function request.enable_buffering()
  check(RAB)
  checked(C.weir_service_hold())
end

-- ---- request line

--- "http" or "https".
-- @tparam string scheme
function request.set_scheme(scheme)
  check(RAB)
  if type(scheme) ~= "string" then
    error("scheme must be a string", 2)
  elseif scheme ~= "http" and scheme ~= "https" then
    error("invalid scheme: " .. scheme, 2)
  end
  checked(C.weir_service_set_scheme(scheme == "https" and 1 or 0))
end

-- For this try only, as all that is chosen there.
local function set_tls(on)
  local result = C.weir_service_set_scheme(on)
  if result < 0 then
    return nil, native.problem(result)
  end
  return true
end

--- The try goes to the upstream over TLS.
-- @treturn true|nil
-- @treturn nil|string
function request.enable_tls()
  check(BALANCER)
  return set_tls(1)
end

--- The try goes to the upstream in the clear.
-- @treturn true|nil
-- @treturn nil|string
function request.disable_tls()
  check(BALANCER)
  return set_tls(0)
end

-- What may not stand in a path as it is: controls, spaces, non-ASCII bytes and what would end it.
local function escape_path(path)
  return (path:gsub('[%z\1-\32\127-\255"<>\\^`{|}?#]', function(c)
    return ("%%%02X"):format(c:byte())
  end))
end

--- The path, without query. It is escaped where that is necessary.
-- @tparam string path begins with "/"
function request.set_path(path)
  check(RAB)
  if type(path) ~= "string" then
    error("path must be a string", 2)
  elseif path:sub(1, 1) ~= "/" then
    error("path must start with /", 2)
  end
  path = escape_path(path)
  checked(C.weir_service_set_path(path, #path))
end

--- The query as it is to be sent, without "?".
-- @tparam string query
function request.set_raw_query(query)
  check(RA)
  if type(query) ~= "string" then
    error("query must be a string", 2)
  end
  checked(C.weir_service_set_query(query, #query))
end

--- The query, from a table.
-- @tparam table args name -> value or list of values
function request.set_query(args)
  check(RA)
  if type(args) ~= "table" then
    error("args must be a table", 2)
  end
  local query, err = arguments.encode(args)
  if not query then
    error(err, 2)
  end
  checked(C.weir_service_set_query(query, #query))
end

--- Removes all query arguments of a name.
-- @tparam string name
function request.clear_query_arg(name)
  check(RA)
  if type(name) ~= "string" then
    error("query argument name must be a string", 2)
  end
  local query = native.text(C.WEIR_SERVICE_QUERY_OUT)
  if query and query ~= "" then
    query = arguments.without(query, name)
    checked(C.weir_service_set_query(query, #query))
  end
end

--- Replaces the method.
-- @tparam string method in capitals
function request.set_method(method)
  check(RA)
  if type(method) ~= "string" then
    error("method must be a string", 2)
  elseif not METHODS[method] then
    error("invalid method: " .. method, 2)
  end
  checked(C.weir_service_set_method(method, #method))
end

-- ---- headers

--- Replaces a field. `Host` is also what the upstream is called by: its SNI and the name in its
-- certificate.
-- @tparam string name
-- @tparam string|number|boolean|table value a list makes several fields
function request.set_header(name, value)
  check(RAB)
  headers.check_name(name)
  headers.check_value(name, value)
  headers.set(UPSTREAM, name, value)
end

--- Adds a field and leaves those of its name.
-- @tparam string name
-- @tparam string|number|boolean|table value a list makes several fields
function request.add_header(name, value)
  check(RA)
  headers.check_name(name)
  headers.check_value(name, value)
  headers.add(UPSTREAM, name, value)
end

--- Removes all fields of a name.
-- @tparam string name
function request.clear_header(name)
  check(RA)
  headers.check_name(name)
  headers.clear(UPSTREAM, name)
end

--- Replaces the fields that are named, and leaves the others.
-- @tparam table all name -> value, or list of values
function request.set_headers(all)
  check(RA)
  headers.check_all(all)
  for name, value in pairs(all) do
    headers.set(UPSTREAM, name, value)
  end
end

-- ---- body

--- The body, instead of the client's.
-- @tparam string body
function request.set_raw_body(body)
  check(RAB)
  if type(body) ~= "string" then
    error("body must be a string", 2)
  end
  checked(C.weir_service_set_body(body, #body))
end

local FORM, JSON, MULTIPART =
  "application/x-www-form-urlencoded", "application/json", "multipart/form-data"

local function random_boundary()
  return hex.encode(core.random(16))
end

-- Each gives the text and its Content-Type, or nil and what is wrong.
local encoders = {
  [FORM] = function(args)
    local text, err = arguments.encode(args)
    return text, text and FORM or err
  end,
  [JSON] = function(args)
    local text, err = cjson.encode(args)
    return text, text and JSON or err
  end,
  [MULTIPART] = function(args, content_type)
    local boundary = multipart.boundary(content_type or "") or random_boundary()
    local text, err = multipart.encode(args, boundary)
    return text, text and ("%s; boundary=%s"):format(MULTIPART, boundary) or err
  end,
}

--- The body, from a table, with its Content-Type.
-- @tparam table args
-- @tparam ?string mimetype a form, JSON or multipart; by default that of the request
-- @treturn true|nil
-- @treturn nil|string
function request.set_body(args, mimetype)
  check(RA)
  if type(args) ~= "table" then
    error("args must be a table", 2)
  elseif mimetype ~= nil and type(mimetype) ~= "string" then
    error("mimetype must be a string", 2)
  end
  local content_type = native.header(UPSTREAM, "content-type")
  mimetype = mimetype or content_type
  if not mimetype then
    return nil, "content type was neither explicitly given as an argument or received as a header"
  end
  local encode = encoders[mimetype:lower():match("^%s*([^;%s]*)")]
  if not encode then
    return nil, ("unsupported content type '%s'"):format(mimetype)
  end
  local text, sent_as = encode(args, content_type)
  if not text then
    return nil, sent_as
  end
  checked(C.weir_service_set_body(text, #text))
  headers.set(UPSTREAM, "Content-Type", sent_as)
  return true
end

return request
