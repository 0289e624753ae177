-- Trust bundles, credentials and verification policies of the core as counted handles.
--
-- All are interned by content, so making an equal one again gives the same object; making one
-- parses certificates, so it belongs into `configure` or module scope, not into every request.
local ffi = require("ffi")
local abi = require("weir.abi")
local choices = require("weir.tls.choice")
local description = require("weir.tls.description")
local verdict = require("weir.tls.verdict")

local C = abi.C

local tls = {}

local trust_type = ffi.typeof("struct weir_trust *")
local credential_type = ffi.typeof("struct weir_credential *")
local policy_type = ffi.typeof("struct weir_policy *")

local function last_error()
  return ffi.string(C.weir_error())
end

--- A bundle of CA certificates.
-- @tparam table pems list of PEM texts, each with one or more certificates; an empty list makes the
-- bundle that trusts nobody
-- @treturn cdata|nil handle
-- @treturn nil|string what is wrong with which text
function tls.trust(pems)
  local count = #pems
  local texts = ffi.new("struct weir_str[?]", math.max(count, 1))
  for i = 1, count do
    texts[i - 1].p, texts[i - 1].n = pems[i], #pems[i]
  end
  local handle = C.weir_trust_new(texts, count)
  if handle == nil then
    return nil, last_error()
  end
  return ffi.gc(handle, C.weir_trust_free)
end

--- A certificate chain, leaf first, with its private key.
-- @tparam string cert PEM
-- @tparam string key PEM
-- @treturn cdata|nil handle
-- @treturn nil|string "certificate does not match key", "invalid key: …", "invalid certificate: …"
function tls.credential(cert, key)
  local handle = C.weir_credential_new(cert, #cert, key, #key)
  if handle == nil then
    return nil, last_error()
  end
  return ffi.gc(handle, C.weir_credential_free)
end

--- The core's description of a choice.
-- @tparam table choice as for policy()
-- @treturn cdata|nil struct weir_policy_desc
-- @treturn nil|string
function tls.describe(choice)
  local ok, err = choices.check(choice)
  if not ok then
    return nil, err
  end
  return description.of(choice, choice.trust or tls.trust({}))
end

--- How an upstream is verified.
--
-- Beside `verify` (true: enforce, false: off) or `mode` ("enforce", "report", "off") every field
-- may be left out:
--
--   trust          bundle; without one nobody is trusted
--   next           bundle judged beside it, for the log only
--   credential     shown to the upstream
--   depth          intermediates allowed, 0 to 100
--   partial_chain  what is in the bundle is an anchor, self-signed or not
--   verify_name    false: any name will do
--   names          { dns, ip, uri = lists, match = "any" or "all" } instead of the upstream's name
--   sni            "upstream_host", "host", "none" or a name
--   pins           { cert, spki = lists of SHA-256 }: the leaf must match one
--   crl, crl_check list of PEM texts; "leaf" or "chain"
--   ocsp           "off", "soft" or "hard": stapled responses
--   min_version, max_version             "TLSv1.2" or "TLSv1.3"
--   ciphers, ciphersuites, groups, sigalgs   OpenSSL's lists
--   alpn           "http/1.1" or "none": what is offered in the handshake
--   security_level 0 to 5
--   strict         RFC 5280's and the CA/Browser Forum's profile
--
-- @tparam table choice
-- @treturn cdata|nil handle
-- @treturn nil|string
function tls.policy(choice)
  local desc, err = tls.describe(choice)
  if not desc then
    return nil, err
  end
  local handle = C.weir_policy_new(desc)
  if handle == nil then
    return nil, last_error()
  end
  return ffi.gc(handle, C.weir_policy_free)
end

--- A policy as a configuration puts it in force, which is the one that verdicts and logs name.
-- @tparam cdata policy
-- @tparam boolean session_reuse the setting upstream_tls_session_reuse
-- @tparam ?string judges which plugins judge beside it
-- @treturn cdata|nil handle
-- @treturn nil|string
function tls.in_force(policy, session_reuse, judges)
  local handle = C.weir_policy_in_force(policy, session_reuse and 1 or 0, judges, #(judges or ""))
  if handle == nil then
    return nil, last_error()
  end
  return ffi.gc(handle, C.weir_policy_free)
end

-- As struct weir_name has them.
local KINDS = { dns = 1, ip = 2, uri = 3, email = 4 }

local judged = ffi.new("struct weir_verdict")

local function name_struct(name)
  if not name then
    return nil
  end
  local struct = ffi.new("struct weir_name")
  struct.kind = KINDS[name.kind]
  struct.value.p, struct.value.n = name.value, #name.value
  return struct
end

--- Judges a chain without a connection, through the code of a handshake.
-- @tparam table choice as for policy()
-- @tparam table pems list of PEM texts, the leaf first
-- @tparam ?table name { kind = "dns", "ip", "uri" or "email", value } to look for; without one, the
-- policy's names
-- @tparam ?number at seconds since the epoch; now
-- @treturn table|nil verdict (weir.tls.verdict)
-- @treturn nil|string why there is none
function tls.judge(choice, pems, name, at)
  local desc, err = tls.describe(choice)
  if not desc then
    return nil, err
  end
  local texts = ffi.new("struct weir_str[?]", math.max(#pems, 1))
  for i, pem in ipairs(pems) do
    texts[i - 1].p, texts[i - 1].n = pem, #pem
  end
  if C.weir_tls_judge(desc, texts, #pems, name_struct(name), at or 0, judged) ~= 0 then
    return nil, last_error()
  end
  return verdict.of(judged)
end

--- The identity of a policy: equal for equal content only.
-- @tparam cdata policy
-- @treturn string hexadecimal digits
function tls.policy_id(policy)
  return ffi.string(C.weir_policy_id(policy))
end

--- Whether a value is a handle that tls.trust() made.
function tls.is_trust(value)
  return ffi.istype(trust_type, value)
end

--- Whether a value is a handle that tls.credential() made.
function tls.is_credential(value)
  return ffi.istype(credential_type, value)
end

--- Whether a value is a handle that tls.policy() made.
function tls.is_policy(value)
  return ffi.istype(policy_type, value)
end

return tls
