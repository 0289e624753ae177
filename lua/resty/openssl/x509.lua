-- The part of resty.openssl.x509 that kong.service.set_tls_verify_store() needs.
local core = require("weir.core")

local x509 = {}
x509.__index = x509

--- Parses one certificate.
-- @tparam string pem
-- @treturn table|nil
-- @treturn nil|string
function x509.new(pem)
  if type(pem) ~= "string" then
    return nil, "x509.new: expect nil or a string at #1"
  end
  local certificates, err = core.x509_info(pem)
  if not certificates then
    return nil, "x509.new: " .. err
  elseif #certificates == 0 then
    return nil, "x509.new: no certificate in the PEM text"
  end
  return setmetatable({ pem = pem }, x509)
end

--- Whether a value is a certificate of this module.
function x509.istype(value)
  return type(value) == "table" and getmetatable(value) == x509
end

--- The certificate as PEM.
function x509:to_PEM()
  return self.pem
end

return x509
