-- The part of ngx.ssl that kong.service.set_tls_cert_key() needs.
local credentials = require("weir.pdk.credentials")

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

return ssl
