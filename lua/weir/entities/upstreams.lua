-- Upstreams: a name for a set of targets and how to choose among them.
--
-- Every field of Kong's is known here; values that ask for more than round robin without health
-- checks are refused.
local host = require("weir.text.host")
local typedefs = require("weir.schema.typedefs")

local function check_name(value)
  local parsed, err = host.parse(value)
  if parsed and parsed.port or err == "invalid port number" then
    return nil, ("Invalid name ('%s'); no port allowed"):format(value)
  elseif not parsed then
    return nil, ("Invalid name ('%s'); not a valid hostname"):format(value)
  elseif parsed.type ~= "name" then
    return nil, ("Invalid name ('%s'); no ip addresses allowed"):format(value)
  end
  return true
end

local HASH_INPUTS = {
  "none", "consumer", "ip", "header", "cookie", "path", "query_arg", "uri_capture",
}
local CHECK_TYPES = { "tcp", "http", "https", "grpc", "grpcs" }

local function hash_input()
  return { type = "string", default = "none", one_of = HASH_INPUTS, supported = { "none" } }
end

local function unsupported_string()
  return { type = "string", supported = {} }
end

-- A count or an interval that switches a health check on.
local function switch(limit)
  return { type = "number", default = 0, between = { 0, limit }, supported = { 0 } }
end

local function statuses(default)
  return {
    type = "array", default = default, elements = { type = "integer", between = { 100, 999 } },
  }
end

local function record(fields)
  return { type = "record", required = true, fields = fields }
end

local function check_type()
  return { type = "string", default = "http", one_of = CHECK_TYPES }
end

local active = record({
  { type = check_type() },
  { timeout = { type = "number", default = 1, between = { 0, 65535 } } },
  { concurrency = { type = "integer", default = 10, between = { 1, 2 ^ 31 - 1 } } },
  { http_path = typedefs.path { default = "/" } },
  { https_sni = typedefs.sni },
  { https_verify_certificate = { type = "boolean", default = true } },
  {
    headers = {
      type = "map", keys = typedefs.header_name,
      values = { type = "array", elements = { type = "string" } },
    },
  },
  {
    healthy = record({
      { interval = switch(65535) },
      { http_statuses = statuses({ 200, 302 }) },
      { successes = switch(255) },
    }),
  },
  {
    unhealthy = record({
      { interval = switch(65535) },
      { http_statuses = statuses({ 429, 404, 500, 501, 502, 503, 504, 505 }) },
      { tcp_failures = switch(255) },
      { timeouts = switch(255) },
      { http_failures = switch(255) },
    }),
  },
})

local passive = record({
  { type = check_type() },
  {
    healthy = record({
      {
        http_statuses = statuses({
          200, 201, 202, 203, 204, 205, 206, 207, 208, 226,
          300, 301, 302, 303, 304, 305, 306, 307, 308,
        }),
      },
      { successes = switch(255) },
    }),
  },
  {
    unhealthy = record({
      { http_statuses = statuses({ 429, 500, 503 }) },
      { tcp_failures = switch(255) },
      { timeouts = switch(255) },
      { http_failures = switch(255) },
    }),
  },
})

return {
  name = "upstreams",
  endpoint_key = "name",
  workspaceable = true,
  fields = {
    { id = typedefs.uuid },
    { created_at = typedefs.auto_timestamp_s },
    { updated_at = typedefs.auto_timestamp_s },
    { name = { type = "string", required = true, unique = true, custom_validator = check_name } },
    {
      algorithm = {
        type = "string", default = "round-robin",
        one_of = { "consistent-hashing", "least-connections", "round-robin", "latency" },
        supported = { "round-robin" },
      },
    },
    { hash_on = hash_input() },
    { hash_fallback = hash_input() },
    { hash_on_header = unsupported_string() },
    { hash_fallback_header = unsupported_string() },
    { hash_on_cookie = unsupported_string() },
    { hash_on_cookie_path = typedefs.path { default = "/" } },
    { hash_on_query_arg = unsupported_string() },
    { hash_fallback_query_arg = unsupported_string() },
    { hash_on_uri_capture = unsupported_string() },
    { hash_fallback_uri_capture = unsupported_string() },
    { slots = { type = "integer", default = 10000, between = { 10, 65536 } } },
    {
      healthchecks = record({
        { threshold = switch(100) },
        { active = active },
        { passive = passive },
      }),
    },
    { tags = typedefs.tags },
    { host_header = typedefs.host_with_optional_port },
    { client_certificate = { type = "foreign", reference = "certificates" } },
    { use_srv_name = { type = "boolean", default = false, supported = { false } } },
  },
  transformations = { host.transformation("name"), host.transformation("host_header") },
}
