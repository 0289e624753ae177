-- Trust bundles, credentials and verification policies of the core as counted handles.
--
-- All are interned by content, so making an equal one again gives the same object; making one
-- parses certificates, so it belongs into `configure` or module scope, not into every request.
local ffi = require("ffi")
local abi = require("weir.abi")

local C = abi.C

local VERIFY, NO_VERIFY = 1, 2
local MAX_DEPTH = 100

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

--- How an upstream is verified.
-- @tparam table choice verify (boolean), depth (intermediates allowed; default 100), trust (handle;
-- default: the bundle that trusts nobody), credential (handle or nil)
-- @treturn cdata|nil handle
-- @treturn nil|string
function tls.policy(choice)
  local trust = choice.trust or tls.trust({})
  local desc = ffi.new("struct weir_policy_desc")
  desc.verify = choice.verify and VERIFY or NO_VERIFY
  desc.depth = choice.depth or MAX_DEPTH
  desc.trust = trust
  desc.credential = choice.credential
  local handle = C.weir_policy_new(desc)
  if handle == nil then
    return nil, last_error()
  end
  return ffi.gc(handle, C.weir_policy_free)
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
