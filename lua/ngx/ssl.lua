-- The part of ngx.ssl that kong.service.set_tls_cert_key() and the certificate phase need.
local abi = require("weir.abi")
local credentials = require("weir.pdk.credentials")
local native = require("weir.pdk.native")

local ssl = {}

--- Parses a certificate chain, leaf first.
-- @tparam string pem
-- @treturn cdata|nil
-- @treturn nil|string
function ssl.parse_pem_cert(pem)
  return credentials.chain(pem)
end

--- Parses a private key.
-- @tparam string pem
-- @treturn cdata|nil
-- @treturn nil|string
function ssl.parse_pem_priv_key(pem)
  return credentials.key(pem)
end

--- The name that the client asks for.
-- @treturn string|nil nil when it asks for none
function ssl.server_name()
  local name = native.text(abi.C.WEIR_REQUEST_SNI)
  return name ~= "" and name or nil
end

return ssl
