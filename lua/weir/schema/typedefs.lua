-- Ready-made field definitions, by Kong's names. A typedef is used as it is, or called with
-- attributes to add or replace: `typedefs.port { default = 80 }`.
local null = require("cjson").null
local define = require("weir.schema.define")
local host = require("weir.text.host")
local ip = require("weir.text.ip")
local path = require("weir.text.path")
local utf8 = require("weir.text.utf8")

-- Loaded on first use: only these checks need the core, and most schemas have none of them.
local function core()
  return require("weir.core")
end

-- ---- checks

local function invalid(value, why)
  return nil, "invalid value: " .. value .. (why and (" (%s)"):format(why) or "")
end

local function check_host(value)
  local parsed, err, why = host.parse(value)
  if err == "invalid port number" or parsed and parsed.port then
    return nil, "must not have a port"
  elseif not parsed then
    return invalid(value, why)
  end
  return true
end

local function check_host_with_optional_port(value)
  local parsed, err = host.parse(value)
  return parsed and true or nil, err
end

local function check_name_without_port(value)
  local ok, err = check_host(value)
  if ok and host.parse(value).type ~= "name" then
    return nil, "must not be an IP"
  end
  return ok, err
end

local function check_wildcard_host(value)
  local _, stars = value:gsub("%*", "")
  if stars > 1 then
    return nil, "only one wildcard must be specified"
  elseif stars == 1 then
    if value == "*" then
      return true
    elseif not value:find("^%*%.") and not value:find("%.%*$") then
      return nil, "wildcard must be leftmost or rightmost character"
    end
    value = value:gsub("%*", "wildcard")
  end
  return check_name_without_port(value)
end

-- Hosts of routes: a wildcard is a whole label, the leftmost or the rightmost one; a port is
-- allowed.
local function check_route_host(value)
  local _, stars = value:gsub("%*", "")
  local name = value
  if stars > 1 then
    return nil, "invalid wildcard: must have at most one wildcard"
  elseif stars == 1 then
    if not value:find("^%*%.") and not value:find("%.%*$") and not value:find("%.%*:%d+$") then
      return nil, "invalid wildcard: must be placed at leftmost or rightmost label"
    end
    name = value:gsub("%*", "wildcard")
  end
  local parsed, err = host.parse(name)
  return parsed and true or nil, err
end

local function check_ip(value)
  if ip.family(value) then
    return true
  end
  return nil, "not an ip address: " .. value
end

local function check_cidr(value)
  local parsed, err = ip.parse_cidr(value)
  if not parsed or not value:find("/", 1, true) then
    return nil, "invalid cidr range: " .. (err or value)
  end
  return true
end

local function check_cidr_v4(value)
  local ok, err = check_cidr(value)
  if ok and value:find(":", 1, true) then
    return nil, "invalid cidr range: " .. value
  end
  return ok, err
end

local function check_ip_or_cidr(value)
  if ip.parse_cidr(value) then
    return true
  end
  return nil, "invalid ip or cidr range: '" .. value .. "'"
end

local function check_route_path(value)
  if value:sub(1, 1) == "~" then
    local ok, err = core().regex_check(value:sub(2))
    if not ok then
      return nil, ("invalid regex: '%s' (PCRE returned: %s)"):format(value:sub(2), err)
    end
    return true
  end
  local ok, err = path.check(value)
  if not ok then
    return nil, err
  end
  local normal = path.normalize(value)
  if normal ~= value then
    return nil, ("non-normalized path, consider use '%s' instead"):format(normal)
  end
  return true
end

local function check_url(value)
  local scheme, rest = value:match("^([%a][%w+.-]*)://(.*)$")
  if not scheme then
    return nil, "missing scheme in url"
  elseif rest:find("^[/?#]") or rest == "" then
    return nil, "missing host in url"
  end
  return true
end

local function check_token(kind)
  return function(value)
    if value:find("^[%w!#$%%&'*+.^_`|~-]+$") then
      return true
    end
    return nil, ("invalid %s '%s'"):format(kind, value)
  end
end

local function check_header_name(value)
  if value:find("^[%w!#$%%&'*+.^_`|~-]+$") then
    return true
  end
  return nil,
    ("bad header name '%s', allowed characters are A-Z, a-z, 0-9, '_', and '-'"):format(value)
end

local function check_utf8_name(value)
  local bad = utf8.invalid_at(value)
  if bad then
    return nil, ("invalid utf-8 character sequence detected at position %d"):format(bad)
  elseif not value:find("^[%w%.%-_~\128-\255]+$") then
    return nil, ("invalid value '%s': "):format(value)
      .. "the only accepted ascii characters are alphanumerics or ., -, _, and ~"
  end
  return true
end

local function check_tag(value)
  if utf8.invalid_at(value) or value:find("[%c,/]") then
    return nil, ("invalid tag '%s': "):format(value)
      .. "expected printable ascii (except `,` and `/`) or valid utf-8 sequences"
  end
  return true
end

local function check_certificate(value)
  local _, err = core().x509_info(value)
  if err then
    return nil, "invalid certificate: " .. err
  end
  return true
end

-- Whether the key can be used is known together with its certificate; see the certificates entity.
local function check_key(value)
  if value:find("-----BEGIN [%u ]-PRIVATE KEY-----", 1) then
    return true
  end
  return nil, "invalid key: no PEM private key found"
end

local function load_key(text, kind)
  local key, err = require("resty.openssl.pkey").new(text)
  if not key then
    return nil, ("could not load %s key: %s"):format(kind, err)
  elseif kind == "private" and not key:is_private() then
    return nil, "could not load private key: it is a public one"
  end
  return key
end

local function check_pem(pair)
  local private, public, err
  if pair.private_key ~= nil and pair.private_key ~= null then
    private, err = load_key(pair.private_key, "private")
  end
  if not err and pair.public_key ~= nil and pair.public_key ~= null then
    public, err = load_key(pair.public_key, "public")
  end
  if err then
    return nil, err
  elseif private and public and private:to_PEM("public") ~= public:to_PEM("public") then
    return nil, "public key does not match private key"
  end
  return true
end

local JWK_MEMBERS = {
  RSA = { "n", "e" }, EC = { "crv", "x", "y" }, OKP = { "crv", "x" }, oct = { "k" },
}

local function check_jwk(text)
  local ok, key = pcall(require("cjson").decode, text)
  if not ok or type(key) ~= "table" then
    return nil, "could not json decode jwk string"
  elseif type(key.kid) ~= "string" then
    return nil, "jwk must have a kid"
  end
  local complete = JWK_MEMBERS[key.kty] ~= nil
  for _, member in ipairs(JWK_MEMBERS[key.kty] or {}) do
    complete = complete and type(key[member]) == "string"
  end
  return complete or nil, "could not load JWK, likely not a valid key"
end

local function check_lua(code)
  return require("kong.tools.sandbox").validate_safe(code)
end

-- ---- typedefs

local typedefs = {}

typedefs.http_method = define { type = "string", match = "^%u+$" }

typedefs.protocol = define {
  type = "string",
  one_of = { "grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp" },
}

typedefs.host = define { type = "string", custom_validator = check_host }
typedefs.redis_host = typedefs.host
typedefs.host_with_optional_port = define {
  type = "string", custom_validator = check_host_with_optional_port,
}
typedefs.wildcard_host = define { type = "string", custom_validator = check_wildcard_host }
typedefs.sni = define { type = "string", custom_validator = check_name_without_port }
typedefs.redis_server_name = typedefs.sni
typedefs.ip = define { type = "string", custom_validator = check_ip }
typedefs.cidr = define { type = "string", custom_validator = check_cidr }
typedefs.cidr_v4 = define { type = "string", custom_validator = check_cidr_v4 }
typedefs.ip_or_cidr = define { type = "string", custom_validator = check_ip_or_cidr }
typedefs.port = define { type = "integer", between = { 0, 65535 } }

local NO_EMPTY_SEGMENTS = "must not have empty segments"

typedefs.path = define {
  type = "string", starts_with = "/", match_none = { { pattern = "//", err = NO_EMPTY_SEGMENTS } },
  custom_validator = path.check,
}

typedefs.router_path = define {
  type = "string",
  match_any = {
    patterns = { "^/", "^~/" },
    err = "should start with: / (fixed path) or ~/ (regex path)",
  },
  match_none = {
    { pattern = "^/.*//", err = NO_EMPTY_SEGMENTS },
    { pattern = "^//", err = NO_EMPTY_SEGMENTS },
  },
  custom_validator = check_route_path,
}

typedefs.url = define { type = "string", custom_validator = check_url }
typedefs.header_name = define { type = "string", custom_validator = check_header_name }
typedefs.cookie_name = define { type = "string", custom_validator = check_token("cookie name") }
typedefs.timeout = define { type = "integer", between = { 0, 2 ^ 31 - 2 } }
typedefs.ttl = define { type = "number", gt = 0 }
typedefs.semantic_version = define {
  type = "string",
  match_any = {
    patterns = { "^%d+[%.%d]*$", "^%d+[%.%d]*%-.*$" },
    err = "invalid version number: must be in format of X.Y.Z",
  },
  match_none = { { pattern = "%.%.", err = "must not have empty version segments" } },
}

typedefs.uuid = define { type = "string", uuid = true, auto = true }
typedefs.auto_timestamp_s = define { type = "integer", timestamp = true, auto = true }
typedefs.auto_timestamp_ms = define { type = "number", timestamp = true, auto = true }

local function must_be_absent(entity)
  return define { type = "foreign", reference = entity, eq = null }
end

typedefs.no_route = must_be_absent("routes")
typedefs.no_service = must_be_absent("services")
typedefs.no_consumer = must_be_absent("consumers")
typedefs.no_consumer_group = must_be_absent("consumer_groups")

typedefs.name = define {
  type = "string", unique = true,
  match_any = {
    patterns = { "^[%w%.%-_~]+$" },
    err = "it must only contain alphanumeric and '., -, _, ~' characters",
  },
}
typedefs.utf8_name = define { type = "string", unique = true, custom_validator = check_utf8_name }
typedefs.tag = define { type = "string", required = true, custom_validator = check_tag }
typedefs.tags = define { type = "set", elements = typedefs.tag }

-- What a data plane says that it can do.
typedefs.capability = define {
  type = "string",
  match_any = {
    patterns = { "^[%w_%-]+$" },
    err = "invalid capability: must be made of letters, digits, '_' and '-'",
  },
}

typedefs.certificate = define { type = "string", custom_validator = check_certificate }
typedefs.key = define { type = "string", custom_validator = check_key }

typedefs.protocols = define {
  type = "set", required = true, len_min = 1, elements = typedefs.protocol,
  default = { "grpc", "grpcs", "http", "https" },
}
typedefs.protocols_http = define {
  type = "set", required = true, len_min = 1,
  elements = define { type = "string", one_of = { "grpc", "grpcs", "http", "https" } },
  default = { "grpc", "grpcs", "http", "https" },
}

typedefs.methods = define { type = "set", elements = typedefs.http_method }
typedefs.hosts = define {
  type = "array", elements = define { type = "string", custom_validator = check_route_host },
}
typedefs.router_paths = define { type = "array", elements = typedefs.router_path }
typedefs.paths = typedefs.router_paths

local function check_route_header_name(value)
  if value:lower() == "host" then
    return nil, "cannot contain 'host' header, which must be specified in the 'hosts' attribute"
  end
  return check_header_name(value)
end

typedefs.headers = define {
  type = "map",
  keys = define { type = "string", custom_validator = check_route_header_name },
  values = define { type = "array", len_min = 1, elements = { type = "string" } },
}

local addresses = define {
  type = "set",
  elements = {
    type = "record",
    fields = { { ip = typedefs.ip_or_cidr }, { port = typedefs.port } },
    entity_checks = { { at_least_one_of = { "ip", "port" } } },
  },
}
typedefs.sources = addresses
typedefs.destinations = addresses

for _, name in ipairs({ "sources", "destinations", "methods", "hosts", "paths", "headers" }) do
  typedefs["no_" .. name] = typedefs[name] { eq = null }
end

-- A pair of keys, or one of them.
typedefs.pem = define {
  type = "record", required = false,
  fields = {
    { private_key = { type = "string", referenceable = true, encrypted = true } },
    { public_key = { type = "string", referenceable = true } },
  },
  entity_checks = { { at_least_one_of = { "private_key", "public_key" } } },
  custom_validator = check_pem,
}

typedefs.jwk = define {
  type = "string", referenceable = true, encrypted = true, custom_validator = check_jwk,
}

-- Lua code by the name of the field that it computes.
typedefs.lua_code = define {
  type = "map",
  keys = { type = "string", len_min = 1 },
  values = { type = "string", len_min = 1, custom_validator = check_lua },
}

-- How plugins that trace pass a trace on: where they look for it, what they remove, and what they
-- write.
local TRACE_FORMATS = { "ot", "w3c", "datadog", "b3", "gcp", "jaeger", "aws" }
local INJECTED = {
  "preserve", "ot", "w3c", "datadog", "b3", "b3-single", "gcp", "jaeger", "aws",
}

typedefs.propagation = define {
  type = "record", required = true,
  fields = {
    { extract = { type = "array", elements = { type = "string", one_of = TRACE_FORMATS } } },
    { clear = { type = "array", elements = { type = "string" } } },
    { inject = { type = "array", elements = { type = "string", one_of = INJECTED } } },
    { default_format = { type = "string", required = true, one_of = INJECTED } },
  },
}

typedefs.queue = define {
  type = "record", required = true,
  fields = {
    { max_batch_size = { type = "integer", default = 1, between = { 1, 1000000 } } },
    { max_coalescing_delay = { type = "number", default = 1, between = { 0, 3600 } } },
    { max_entries = { type = "integer", default = 10000, between = { 1, 1000000 } } },
    { max_bytes = { type = "integer" } },
    { max_retry_time = { type = "number", default = 60 } },
    { initial_retry_delay = { type = "number", default = 0.01, between = { 0.001, 1000000 } } },
    { max_retry_delay = { type = "number", default = 60, between = { 0.001, 1000000 } } },
    { concurrency_limit = { type = "integer", default = 1, one_of = { -1, 1 } } },
  },
}

return setmetatable(typedefs, {
  __index = function(_, name)
    error(("schema typedef error: definition %s does not exist"):format(tostring(name)), 2)
  end,
})
