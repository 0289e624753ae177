-- Routes: which requests go to which service.
local host = require("weir.text.host")
local quoted = require("weir.schema.validators").quoted
local typedefs = require("weir.schema.typedefs")

local GROUPS = {
  { "http", "https" }, { "tcp", "tls", "udp" }, { "tls_passthrough" }, { "grpc", "grpcs" },
}

local MATCHERS = {
  http = { "methods", "hosts", "headers", "paths" },
  https = { "methods", "hosts", "headers", "paths", "snis" },
}

local SNI_PROTOCOLS = { https = true, grpcs = true, tls = true, tls_passthrough = true }

local function is_set(value)
  return type(value) == "table" and next(value) ~= nil
end

local function has_any(route, names)
  for _, name in ipairs(names) do
    if is_set(route[name]) then
      return true
    end
  end
  return false
end

-- A route without any matcher would take every request of its protocol; Kong refuses it, and says
-- which matchers its protocol knows. With both protocols, those of https are named.
local function check_matchers(route)
  local has = {}
  for _, protocol in ipairs(route.protocols) do
    has[protocol] = true
  end
  local protocol = has.https and "https" or "http"
  if has_any(route, MATCHERS[protocol]) then
    return true
  end
  return nil, ("must set one of %s when 'protocols' is '%s'")
    :format(quoted(MATCHERS[protocol]), protocol)
end

local function check_snis(route)
  if not is_set(route.snis) then
    return true
  end
  for _, protocol in ipairs(route.protocols) do
    if SNI_PROTOCOLS[protocol] then
      return true
    end
  end
  return nil, {
    snis = "'snis' can only be set when 'protocols' is "
      .. "'grpcs', 'https', 'tls' or 'tls_passthrough'",
  }
end

local function check_addresses(route)
  local errors = {}
  for _, name in ipairs({ "sources", "destinations" }) do
    if is_set(route[name]) then
      errors[name] = ("cannot set '%s' when 'protocols' is 'http' or 'https'"):format(name)
    end
  end
  return next(errors) == nil, errors
end

return {
  name = "routes",
  endpoint_key = "name",
  workspaceable = true,
  fields = {
    { id = typedefs.uuid },
    { created_at = typedefs.auto_timestamp_s },
    { updated_at = typedefs.auto_timestamp_s },
    { name = typedefs.utf8_name },
    {
      protocols = {
        type = "set", required = true, len_min = 1, default = { "http", "https" },
        mutually_exclusive_subsets = GROUPS,
        elements = typedefs.protocol { supported = { "http", "https" } },
      },
    },
    { methods = typedefs.methods },
    { hosts = typedefs.hosts },
    { paths = typedefs.router_paths },
    { headers = typedefs.headers },
    { snis = { type = "set", elements = typedefs.wildcard_host } },
    { sources = typedefs.sources },
    { destinations = typedefs.destinations },
    {
      https_redirect_status_code = {
        type = "integer", required = true, default = 426, one_of = { 426, 301, 302, 307, 308 },
      },
    },
    { regex_priority = { type = "integer", default = 0 } },
    { strip_path = { type = "boolean", required = true, default = true } },
    {
      path_handling = {
        type = "string", default = "v0", one_of = { "v0", "v1" }, supported = { "v0" },
      },
    },
    { preserve_host = { type = "boolean", required = true, default = false } },
    { request_buffering = { type = "boolean", required = true, default = true } },
    { response_buffering = { type = "boolean", required = true, default = true } },
    { expression = { type = "string", supported = {} } },
    { priority = { type = "integer", between = { 0, 2 ^ 46 - 1 }, supported = { 0 } } },
    { tags = typedefs.tags },
    { service = { type = "foreign", reference = "services" } },
  },
  transformations = { host.transformation("hosts"), host.transformation("snis") },
  entity_checks = {
    {
      custom_entity_check = {
        field_sources = { "protocols", "methods", "hosts", "headers", "paths", "snis" },
        fn = check_matchers,
      },
    },
    { custom_entity_check = { field_sources = { "protocols", "snis" }, fn = check_snis } },
    {
      custom_entity_check = {
        field_sources = { "sources", "destinations" }, fn = check_addresses,
      },
    },
  },
}
