-- kong.service: where the request goes, and how the upstream there is verified.
--
-- What is chosen here holds for this request only. A choice of verification is another policy, and
-- so another realm: connections, sessions and verdicts of the service's own policy are out of its
-- reach. A choice that cannot be made ends the request with 502, even if the plugin does not look
-- at the returned error.
local ffi = require("ffi")
local abi = require("weir.abi")
local credentials = require("weir.pdk.credentials")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")
local retry = require("weir.runner.retry")
local tls = require("weir.tls")
local verdicts = require("weir.tls.verdict")
local x509_store = require("resty.openssl.x509.store")

local C = abi.C
local check = phase.check
local ACCESS = phase.set("access")
-- Kong's list. In rewrite, where the service is not known yet, nothing that is chosen could
-- survive: the core refuses it, and a choice of verification ends the request there.
local TARGET = phase.set("rewrite", "access", "balancer", "preread")
local AFTER = phase.set("response", "header_filter", "body_filter", "log")
local type = type

local NONE = -2 -- WEIR_ERR_NONE

local MAX_PORT, MAX_RETRIES, MAX_TIMEOUT = 65535, 32767, 2 ^ 31 - 2
local MAX_DEPTH = 100

local service = {}

local function is_integer(value)
  return type(value) == "number" and value % 1 == 0
end

local function done(result)
  if result < 0 then
    return nil, native.problem(result)
  end
  return true
end

local function checked(result)
  if result < 0 then
    error(native.problem(result), 3)
  end
end

--- Chooses an upstream entity.
-- @tparam string host its name
-- @treturn true|nil
-- @treturn nil|string
function service.set_upstream(host)
  check(ACCESS)
  if type(host) ~= "string" then
    error("host must be a string", 2)
  end
  local result = C.weir_service_set_upstream(host, #host)
  if result == NONE then
    return nil, ("could not find an Upstream named '%s'"):format(host)
  end
  return done(result)
end

--- Chooses one target instead of an upstream. Its host is also what the upstream is called by
-- (Host, SNI, the name that its certificate must have), unless the route preserves the client's. It
-- is verified by what upstream-tls's `targets` say about it for the route, else as the route is.
-- @tparam string host
-- @tparam number port
function service.set_target(host, port)
  check(TARGET)
  if type(host) ~= "string" then
    error("host must be a string", 2)
  elseif not is_integer(port) then
    error("port must be an integer", 2)
  elseif port < 0 or port > MAX_PORT then
    error("port must be an integer between 0 and 65535: given " .. port, 2)
  end
  checked(C.weir_service_set_target(host, #host, port))
end

--- How often a failed attempt is repeated.
-- @tparam number retries 0 to 32767
function service.set_retries(retries)
  check(ACCESS)
  if not is_integer(retries) then
    error("retries must be an integer", 2)
  elseif retries < 0 or retries > MAX_RETRIES then
    error("retries must be an integer between 0 and 32767: given " .. retries, 2)
  end
  checked(C.weir_service_set_retries(retries))
end

--- A function that is asked before each retry, as long as the host is no upstream entity's: it may
-- choose another target (set_target), which holds for the retries after it, too. It is called
-- without arguments, as in the balancer phase, and has to return true; else, and when it fails, the
-- request ends with 503. Of several that are set the last counts.
-- @tparam function callback
-- @usage
-- kong.service.set_target_retry_callback(function()
--   kong.service.set_target("standby.example", 8443)
--   return true
-- end)
function service.set_target_retry_callback(callback)
  check(ACCESS)
  if type(callback) ~= "function" then
    error("retry_callback must be a function", 2)
  end
  checked(C.weir_service_ask_before_retry())
  retry.set(callback)
end

local function check_timeout(name, value)
  if not is_integer(value) then
    error(name .. " must be an integer", 3)
  elseif value < 1 or value > MAX_TIMEOUT then
    error(("%s must be an integer between 1 and 2147483646: given %s"):format(name, value), 3)
  end
end

--- Timeouts in milliseconds.
-- @tparam number connect_timeout 1 to 2147483646
-- @tparam number write_timeout
-- @tparam number read_timeout
function service.set_timeouts(connect_timeout, write_timeout, read_timeout)
  check(ACCESS)
  check_timeout("connect_timeout", connect_timeout)
  check_timeout("write_timeout", write_timeout)
  check_timeout("read_timeout", read_timeout)
  checked(C.weir_service_set_timeouts(connect_timeout, write_timeout, read_timeout))
end

-- ---- verification of the upstream

--- Whether the upstream's certificate is verified.
-- @tparam boolean on
-- @treturn true|nil
-- @treturn nil|string
function service.set_tls_verify(on)
  check(TARGET)
  if type(on) ~= "boolean" then
    error("argument must be a boolean", 2)
  end
  return done(C.weir_service_set_verify(on and 1 or 0))
end

--- How many intermediate certificates may lie between the upstream's certificate and a trusted one.
-- Above 100, which is as deep as chains go, it makes no difference.
-- @tparam number depth
-- @treturn true|nil
-- @treturn nil|string
function service.set_tls_verify_depth(depth)
  check(TARGET)
  if type(depth) ~= "number" then
    error("argument must be a number", 2)
  end
  if depth > MAX_DEPTH then
    depth = MAX_DEPTH
  end
  -- A negative depth, a fraction or NaN goes to the core as an invalid one, which refuses the
  -- request.
  return done(C.weir_service_set_depth(depth % 1 == 0 and depth or -1))
end

-- The core refuses a request for which there is no bundle; so does this, when the choice fails on
-- our side of it.
local function refuse(err)
  C.weir_service_set_trust(nil)
  return nil, err
end

--- Which CA certificates are trusted: exactly those in the store.
-- @tparam table store of resty.openssl.x509.store
-- @treturn true|nil
-- @treturn nil|string
-- @usage
-- local store = assert(require("resty.openssl.x509.store").new())
-- assert(store:add(assert(require("resty.openssl.x509").new(pem))))
-- assert(kong.service.set_tls_verify_store(store))
function service.set_tls_verify_store(store)
  check(TARGET)
  if not x509_store.istype(store) then
    error("argument must be a resty.openssl.x509.store object", 2)
  end
  local trust, err = store:trust()
  if not trust then
    return refuse(err)
  end
  return done(C.weir_service_set_trust(trust))
end

--- The certificate and key to show to the upstream.
-- @tparam cdata chain of ngx.ssl.parse_pem_cert()
-- @tparam cdata key of ngx.ssl.parse_pem_priv_key()
-- @treturn true|nil
-- @treturn nil|string
function service.set_tls_cert_key(chain, key)
  check(TARGET)
  if not credentials.is_chain(chain) then
    error("chain must be a parsed cdata object", 2)
  elseif not credentials.is_key(key) then
    error("key must be a parsed cdata object", 2)
  end
  local credential, err = credentials.of(chain, key)
  if not credential then
    return refuse(err)
  end
  return done(C.weir_service_set_credential(credential))
end

--- All of the above at once, made beforehand (kong.tls.policy). Not in Kong.
-- @tparam cdata policy
-- @treturn true|nil
-- @treturn nil|string
-- @usage
-- assert(kong.service.set_tls_policy(policies[conf]))
function service.set_tls_policy(policy)
  check(TARGET)
  if not tls.is_policy(policy) then
    error("argument must be a policy of kong.tls.policy", 2)
  end
  return done(C.weir_service_set_policy(policy))
end

-- Filled by the core and read at once.
local verdict = ffi.new("struct weir_verdict")

--- How the certificate of the upstream was judged in the last try. Not in Kong.
-- @treturn table|nil the fields that plugins/upstream-tls/README.md lists; what says nothing is
-- nil, and so is all of it when no certificate was judged
function service.get_tls_verdict()
  check(AFTER)
  if C.weir_tls_verdict(verdict) < 0 then
    return nil
  end
  return verdicts.of(verdict)
end

return service
