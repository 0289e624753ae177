-- kong.client.tls: the client's side of its TLS connection.
local ffi = require("ffi")
local abi = require("weir.abi")
local credentials = require("weir.pdk.credentials")
local current = require("weir.pdk.current")
local native = require("weir.pdk.native")
local phase = require("weir.pdk.phase")

local C = abi.C
local CERTIFICATE = phase.set("certificate")
local CHAIN = phase.set("rewrite", "access", "balancer", "response", "log")
local VERIFY = phase.set("rewrite", "access", "balancer", "response")

local tls = {}

local out = ffi.new("struct weir_str")

local function done(result)
  if result < 0 then
    return nil, native.problem(result)
  end
  return true
end

--- Asks the client for a certificate. It need not have one, and nobody verifies it: that is up to
-- the plugin. The handshake is a full one, and there is no session to resume.
-- @tparam ?cdata ca_certs of ngx.ssl.parse_pem_cert(): CAs whose names are sent along, as a hint
-- which certificate to choose
-- @treturn true|nil
-- @treturn nil|string
function tls.request_client_certificate(ca_certs)
  phase.check(CERTIFICATE)
  if ca_certs ~= nil and not credentials.is_chain(ca_certs) then
    error("ca_certs must be a parsed cdata object", 2)
  end
  local hint, err
  if ca_certs then
    hint, err = credentials.bundle(ca_certs)
    if not hint then
      return nil, err
    end
  end
  return done(C.weir_client_request_certificate(hint))
end

--- Has the client make a full handshake, and gives it no session.
-- @treturn true|nil
-- @treturn nil|string
function tls.disable_session_reuse()
  phase.check(CERTIFICATE)
  return done(C.weir_client_forbid_sessions())
end

--- What the client has presented.
-- @treturn string|nil PEM, the leaf first; nil when it has presented nothing
function tls.get_full_client_certificate_chain()
  phase.check(CHAIN)
  if C.weir_client_chain(out) < 0 then
    return nil
  end
  return ffi.string(out.p, out.n)
end

--- Says how the client's certificate was judged, for plugins that log and for $ssl_client_verify: a
-- plugin has judged it.
-- @tparam string result "SUCCESS", "NONE" or "FAILED:reason"
function tls.set_client_verify(result)
  phase.check(VERIFY)
  if type(result) ~= "string" then
    error("client verify result must be a string", 2)
  elseif result ~= "SUCCESS" and result ~= "NONE" and not result:find("^FAILED:.") then
    error(('unknown client verify result "%s": "SUCCESS", "NONE" or "FAILED:reason" expected')
      :format(result), 2)
  end
  -- Kong's field, where plugins look for it.
  current.ctx("ngx").CLIENT_VERIFY_OVERRIDE = result
end

return tls
