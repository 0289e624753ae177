-- Services: where requests are proxied to, and how their upstream's certificate is verified.
local null = require("cjson").null
local hosts = require("weir.text.host")
local typedefs = require("weir.schema.typedefs")
local values = require("weir.tls.values")

local DEFAULT_PORTS = { http = 80, https = 443 }

-- Kong's reading of the `url` shorthand. A scheme that is missing follows from the port, and the
-- other way round.
local function expand_url(url)
  local scheme, rest = url:match("^([%a][%w+.-]*)://(.*)$")
  local authority, path = (rest or url):match("^([^/?#]*)([^?#]*)")
  authority = authority:gsub("^.*@", "")
  local host, port = authority:match("^(%[.-%]):?(%d*)$")
  if not host then
    host, port = authority:match("^(.-):?(%d*)$")
    if not authority:find(":", 1, true) then
      host, port = authority, ""
    end
  end
  local number = tonumber(port)
  local protocol = scheme and scheme:lower() or number == 443 and "https" or "http"
  return {
    protocol = protocol,
    host = host ~= "" and host:gsub("^%[(.*)%]$", "%1") or null,
    port = number or DEFAULT_PORTS[protocol] or 80,
    path = path ~= "" and path or null,
  }
end

local TLS_ONLY = {
  "client_certificate", "tls_verify", "tls_verify_depth", "ca_certificates", "tls_sans",
}
local NO_PATH = { "tcp", "tls", "udp", "grpc", "grpcs" }

local entity_checks = {
  {
    conditional = {
      if_field = "protocol", if_match = { one_of = NO_PATH },
      then_field = "path", then_match = { eq = null },
    },
  },
}
for _, field in ipairs(TLS_ONLY) do
  table.insert(entity_checks, {
    conditional = {
      if_field = "protocol", if_match = { not_one_of = { "https", "tls" } },
      then_field = field, then_match = { eq = null },
    },
  })
end

local function is(check)
  return function(value)
    local ok, err = check(value)
    return ok ~= nil, ok == nil and ("value '%s' %s"):format(value, err) or nil
  end
end

local timeout = { default = 60000, between = { 1, 2 ^ 31 - 2 } }

return {
  name = "services",
  endpoint_key = "name",
  workspaceable = true,
  fields = {
    { id = typedefs.uuid },
    { created_at = typedefs.auto_timestamp_s },
    { updated_at = typedefs.auto_timestamp_s },
    { name = typedefs.utf8_name },
    { enabled = { type = "boolean", required = true, default = true } },
    { retries = { type = "integer", default = 5, between = { 0, 32767 } } },
    {
      protocol = typedefs.protocol {
        required = true, default = "http", supported = { "http", "https" },
      },
    },
    { host = typedefs.host { required = true } },
    { port = typedefs.port { required = true, default = 80 } },
    { path = typedefs.path },
    { connect_timeout = typedefs.timeout(timeout) },
    { write_timeout = typedefs.timeout(timeout) },
    { read_timeout = typedefs.timeout(timeout) },
    { tags = typedefs.tags },
    { client_certificate = { type = "foreign", reference = "certificates" } },
    { tls_verify = { type = "boolean" } },
    { tls_verify_depth = { type = "integer", between = { 0, 64 } } },
    {
      ca_certificates = {
        type = "array", elements = { type = "string", uuid = true, refers_to = "ca_certificates" },
      },
    },
    -- Kong Enterprise's: names that the upstream's certificate may have instead of the host.
    {
      tls_sans = {
        type = "record", required = false,
        fields = {
          {
            dnsnames = {
              type = "array", len_min = 1,
              elements = { type = "string", custom_validator = is(values.dns) },
            },
          },
          {
            uris = {
              type = "array", len_min = 1,
              elements = { type = "string", custom_validator = is(values.uri) },
            },
          },
        },
      },
    },
  },
  transformations = { hosts.transformation("host") },
  shorthand_fields = {
    { url = { type = "string", func = expand_url } },
  },
  entity_checks = entity_checks,

  -- What is legal and yet probably not what the author wants. Where upstream-tls is configured,
  -- these fields are not all that counts, and it has an opinion of its own.
  advise = function(service, context)
    if service.protocol ~= "https" or not service.enabled or context.plugins["upstream-tls"] then
      return {}
    elseif not service.tls_verify then
      return { { message = "upstream certificate is not verified (tls_verify is off)" } }
    elseif not service.ca_certificates or #service.ca_certificates == 0 then
      return {
        {
          message = "no upstream certificate can be trusted: "
            .. "tls_verify is on, but ca_certificates is empty",
        },
      }
    end
    return {}
  end,
}
