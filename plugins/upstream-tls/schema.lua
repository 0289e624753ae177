-- How the upstreams of services are verified, to set for all, for one service or for one route, and
-- in each of these places for single targets. What is not set here is the next less specific
-- place's to say, in the end the service's.
local null = require("cjson").null
local targets = require("kong.plugins.upstream-tls.targets")
local typedefs = require("kong.db.schema.typedefs")
local values = require("weir.tls.values")

local VERSIONS = { "TLSv1.2", "TLSv1.3" }

-- A validator from a check of weir.tls.values.
local function is(check)
  return function(value)
    local result, err = check(value)
    if result == nil then
      return nil, ("value '%s' %s"):format(value, err)
    end
    return true
  end
end

-- OpenSSL alone knows which ciphers and groups there are and what a CRL is: it is asked for a
-- policy with nothing else in it. Loaded when there is something to ask, since that needs the core.
local function accepted_by_core(field)
  return function(value)
    local tls = require("weir.tls")
    local policy, err = tls.policy({ mode = "enforce", [field] = value })
    return policy ~= nil, err
  end
end

local function openssl_list(field, description)
  return { type = "string", custom_validator = accepted_by_core(field), description = description }
end

local function ids_of(entity, description)
  return {
    type = "array",
    elements = { type = "string", uuid = true, refers_to = entity },
    description = description,
  }
end

local function list_of(check)
  return { type = "array", len_min = 1,
    elements = { type = "string", custom_validator = is(check) } }
end

local NAMES = {
  type = "record", required = false,
  description = "Names that its certificate must have instead of the name it is called by.",
  fields = {
    { dns = list_of(values.dns) },
    { ip = list_of(values.ip) },
    { uri = list_of(values.uri) },
    { match = { type = "string", one_of = { "any", "all" }, default = "any" } },
  },
  entity_checks = { { at_least_one_of = { "dns", "ip", "uri" } } },
}

local PINS = {
  type = "record", required = false,
  description = "SHA-256 of its certificate or of its public key: one of them must match.",
  fields = { { cert = list_of(values.pin) }, { spki = list_of(values.pin) } },
  entity_checks = { { at_least_one_of = { "cert", "spki" } } },
}

local function check_names(config)
  if config.verify_name == false and type(config.names) == "table" then
    return nil, "names are not looked for with verify_name off"
  end
  return true
end

local function check_versions(config)
  if config.min_version == "TLSv1.3" and config.max_version == "TLSv1.2" then
    return nil, "min_version is above max_version"
  end
  return true
end

-- What a policy is made of: said for all, for a service, for a route, or for one target.
local POLICY = {
  { tls_verify = {
    type = "boolean",
    description = "Whether its certificate is verified: true is mode enforce, false is off.",
  } },
  { mode = {
    type = "string", one_of = values.MODES,
    description = "What a verdict does: enforce it, report it only, or off.",
  } },
  { tls_verify_depth = {
    type = "integer", between = { 0, 64 },
    description = "Intermediates allowed between its certificate and a trusted one.",
  } },
  { ca_certificates = ids_of("ca_certificates",
    "Exactly these CA certificates are trusted.") },
  { system_cas = {
    type = "boolean",
    description = "Whether the CA certificates of the machine are trusted, too.",
  } },
  { partial_chain = {
    type = "boolean",
    description = "Whether an intermediate among them may end a chain.",
  } },
  { names = NAMES },
  { verify_name = {
    type = "boolean",
    description = "false: the certificate may be for any name.",
  } },
  { sni = {
    type = "string", custom_validator = is(values.sni),
    description = "What to ask for: upstream_host, host (the client's), none, or a name.",
  } },
  { pins = PINS },
  { crl = {
    type = "array", len_min = 1, elements = { type = "string" },
    custom_validator = accepted_by_core("crl"),
    description = "Certificate revocation lists, PEM.",
  } },
  { crl_check = {
    type = "string", one_of = { "leaf", "chain" },
    description = "Which certificates are looked up in them.",
  } },
  { ocsp = {
    type = "string", one_of = { "off", "soft", "hard" },
    description = "Whether a stapled OCSP response is heeded, or demanded.",
  } },
  { client_certificate = {
    type = "string", uuid = true, refers_to = "certificates",
    description = "The certificate to show to the upstream.",
  } },
  { min_version = { type = "string", one_of = VERSIONS } },
  { max_version = { type = "string", one_of = VERSIONS } },
  { ciphers = openssl_list("ciphers", "Cipher list for TLS 1.2.") },
  { ciphersuites = openssl_list("ciphersuites", "Cipher suites for TLS 1.3.") },
  { groups = openssl_list("groups", "Groups of the key exchange.") },
  { sigalgs = openssl_list("sigalgs", "Signature algorithms.") },
  { alpn = {
    type = "string", custom_validator = is(values.alpn),
    description = "The protocol to offer in the handshake: http/1.1, or none.",
  } },
  { security_level = {
    type = "integer", between = { 0, 5 },
    description = "OpenSSL's level of key and signature strength.",
  } },
  { strict = {
    type = "boolean",
    description = "Whether all that RFC 5280 and the CA/Browser Forum ask for is demanded.",
  } },
  { next_ca_certificates = ids_of("ca_certificates",
    "CA certificates that are tried beside the trusted ones, for the log only.") },
  { next_system_cas = {
    type = "boolean",
    description = "Whether those of the machine are tried beside them, too.",
  } },
}

local POLICY_CHECKS = {
  { mutually_exclusive = { "tls_verify", "mode" } },
  { custom_entity_check = {
    field_sources = { "names", "verify_name" }, fn = check_names,
  } },
  { custom_entity_check = {
    field_sources = { "min_version", "max_version" }, fn = check_versions,
  } },
}

local function names_of(fields)
  local names = {}
  for i, item in ipairs(fields) do
    names[i] = next(item)
  end
  return names
end

local function joined(first, second)
  local list = { unpack(first) }
  for _, item in ipairs(second) do
    list[#list + 1] = item
  end
  return list
end

local function says_something(target)
  for _, value in pairs(target) do
    if value ~= null then
      return true
    end
  end
  return nil, "nothing is said about this target"
end

local TARGET = {
  type = "record",
  fields = joined({
    { target = {
      type = "string", required = true, custom_validator = is(targets.parse),
      description = "HOST:PORT, or HOST for all its ports.",
    } },
  }, POLICY),
  entity_checks = joined(POLICY_CHECKS, {
    { custom_entity_check = { field_sources = names_of(POLICY), fn = says_something } },
  }),
}

return {
  name = "upstream-tls",
  fields = {
    { consumer = typedefs.no_consumer },
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = joined(POLICY, {
        { targets = {
          type = "array", len_min = 1, elements = TARGET, custom_validator = targets.check_distinct,
          description = "What differs for single targets of an upstream.",
        } },
      }),
      entity_checks = POLICY_CHECKS,
    } },
  },
  advise = targets.advise,
}
