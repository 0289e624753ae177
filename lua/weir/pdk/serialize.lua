-- kong.log.serialize: what happened with a request, as one table for plugins that log, and the
-- values that plugins add to it. plugins/README.md lists its fields.
local abi = require("weir.abi")
local constants = require("kong.constants")
local current = require("weir.pdk.current")
local deep_copy = require("kong.tools.table").cycle_aware_deep_copy
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")
local tries = require("weir.runner.try")

local C = abi.C
local text, number = native.text, native.number
local type = type

local serialize = {}

-- ---- values of plugins

local SETTING = phase.set("certificate", "rewrite", "access", "balancer", "response",
  "header_filter", "body_filter", "log")
local LOG = phase.set("log")

local MODES = { set = true, add = true, replace = true }

-- The key of the request's list of values.
local VALUES = {}

--- Sets, or with nil removes, a value of what serialize() returns.
-- @tparam string key dots lead into tables
-- @param value nil, a number, a string, a boolean or a table of these
-- @tparam ?table options mode: "set" (default), "add" (unless it is there), "replace" (only if it
-- is there)
function serialize.set_serialize_value(key, value, options)
  phase.check(SETTING)
  local mode = options and options.mode or "set"
  if type(key) ~= "string" then
    error("key must be a string", 2)
  elseif not MODES[mode] then
    error("mode must be 'set', 'add' or 'replace'", 2)
  end
  -- While a client's handshake goes on there is no request yet that could keep the value.
  local values = current.ctx(VALUES)
  if values then
    values[#values + 1] = { key = key, value = value, mode = mode }
  end
end

local PLAIN = { ["nil"] = true, number = true, string = true, boolean = true }

-- `above`: the tables that the value lies in.
local function is_valid(value, above)
  local kind = type(value)
  if PLAIN[kind] then
    return true
  elseif kind ~= "table" or above[value] then
    return false
  end
  above[value] = true
  for key, item in pairs(value) do
    if not PLAIN[type(key)] or not is_valid(item, above) then
      return false
    end
  end
  above[value] = nil
  return true
end

local function copy_of(t)
  local copy = {}
  for key, value in pairs(t) do
    copy[key] = value
  end
  return setmetatable(copy, getmetatable(t))
end

-- The table in field `name` of `node`, as a copy that may be changed: what is there may be an
-- entity or a plugin's own. nil: there is none, and `item` makes none.
local function enter(node, name, item)
  local inner = node[name]
  if inner == nil and item.mode == "replace" then
    return nil
  elseif inner ~= nil and type(inner) ~= "table" then
    error(("The key '%s' could not be used as a serialize value. Subkey '%s' is not a table. "
      .. "It's %s"):format(item.key, name, tostring(inner)), 0)
  end
  node[name] = inner and copy_of(inner) or {}
  return node[name]
end

-- The table that the last part of a key is a field of, or nil, and that part.
local function find_place(root, item)
  local node = root
  local way, last = item.key:match("^(.*%.)([^.]*)$")
  for part in (way or ""):gmatch("([^.]*)%.") do
    node = node and enter(node, part, item)
  end
  return node, last or item.key
end

local function apply(root, item)
  if not is_valid(item.value, {}) then
    error("value must be nil, a number, string, boolean or a non-self-referencial table "
      .. "containing numbers, string and booleans", 3)
  end
  local node, name = find_place(root, item)
  if not node then
    return
  end
  local there = node[name] ~= nil
  if item.mode == "set" or there == (item.mode == "replace") then
    node[name] = item.value
  end
end

-- ---- what weir knows

local MAX_HEADERS = 1000

local REDACTED = "REDACTED"

-- nginx's status for clients that left before they got an answer.
local CLIENT_GONE = 499

local function request_headers(request)
  local fields = request.get_headers(MAX_HEADERS)
  for _, name in ipairs({ "authorization", "proxy-authorization" }) do
    if rawget(fields, name) then
      fields[name] = REDACTED
    end
  end
  return fields
end

local function client_tls(context)
  if number(C.WEIR_REQUEST_IS_TLS) ~= 1 then
    return nil
  end
  return {
    version = text(C.WEIR_TLS_VERSION),
    cipher = text(C.WEIR_TLS_CIPHER),
    client_verify = context.CLIENT_VERIFY_OVERRIDE or "NONE",
  }
end

local function describe_request(request, context)
  local target = request.get_path_with_query()
  return {
    id = text(C.WEIR_REQUEST_ID),
    uri = target,
    url = ("%s://%s:%d%s"):format(request.get_scheme(), request.get_host(), request.get_port(),
      target),
    method = request.get_method(),
    size = number(C.WEIR_REQUEST_BYTES),
    headers = request_headers(request),
    querystring = request.get_query(),
    tls = client_tls(context),
  }
end

local function describe_response(ngx)
  return {
    status = number(C.WEIR_RESPONSE_SENT) == 1 and ngx.status or CLIENT_GONE,
    size = number(C.WEIR_RESPONSE_HEAD_BYTES) + number(C.WEIR_RESPONSE_BYTES),
    headers = ngx.resp.get_headers(MAX_HEADERS),
  }
end

-- -1, as in Kong: nothing came from upstream.
local function latencies()
  return {
    request = number(C.WEIR_LATENCY_REQUEST),
    kong = number(C.WEIR_LATENCY_KONG),
    proxy = number(C.WEIR_LATENCY_UPSTREAM) or -1,
    receive = number(C.WEIR_LATENCY_RECEIVE) or 0,
  }
end

local function authenticated_entity(credential)
  return credential and { id = credential.id, consumer_id = credential.consumer_id }
end

local SERVICE = 1 -- WEIR_RESPONSE_SOURCE

local function describe(kong, ngx)
  local context = ngx.ctx
  local made = tries.made()
  return {
    request = describe_request(kong.request, context),
    response = describe_response(ngx),
    upstream_uri = text(C.WEIR_SERVICE_TARGET_OUT) or "",
    upstream_status = tries.statuses(made),
    latencies = latencies(),
    tries = made,
    upstream_tls = tries.verdicts(#made),
    authenticated_entity = authenticated_entity(context.authenticated_credential),
    consumer = deep_copy(context.authenticated_consumer),
    route = deep_copy(context.route),
    service = deep_copy(context.service),
    client_ip = text(C.WEIR_CLIENT_FORWARDED_IP),
    started_at = kong.request.get_start_time(),
    source = number(C.WEIR_RESPONSE_SOURCE) == SERVICE and "upstream" or "kong",
    workspace = constants.DECLARATIVE_DEFAULT_WORKSPACE_ID,
    workspace_name = constants.DECLARATIVE_DEFAULT_WORKSPACE_NAME,
  }
end

--- What happened with the request.
-- @tparam ?table options kong, ngx: what stands for the globals of that name, with `request` and
-- with `ctx`, `status` and `resp`
-- @treturn table
function serialize.serialize(options)
  phase.check(LOG)
  local root = describe(options and options.kong or kong, options and options.ngx or ngx)
  for _, item in ipairs(current.ctx(VALUES)) do
    apply(root, item)
  end
  return root
end

return serialize
