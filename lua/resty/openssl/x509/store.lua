-- The part of resty.openssl.x509.store that kong.service.set_tls_verify_store() needs: a set of CA
-- certificates.
local tls = require("weir.tls")
local x509 = require("resty.openssl.x509")

local store = {}
store.__index = store

--- An empty store. It trusts nobody.
function store.new()
  return setmetatable({ pems = {}, bundle = nil }, store)
end

--- Whether a value is a store.
function store.istype(value)
  return type(value) == "table" and getmetatable(value) == store
end

--- Adds a certificate.
-- @tparam table certificate of resty.openssl.x509
-- @treturn true|nil
-- @treturn nil|string
function store:add(certificate)
  if not x509.istype(certificate) then
    return nil, "x509.store:add: expect an x509 instance at #1"
  end
  self.pems[#self.pems + 1] = certificate.pem
  self.bundle = nil
  return true
end

--- Whether a certificate is good by the store, as an upstream's is: the chain is built and judged
-- by the code of a handshake, for a server, whatever its name.
-- @tparam table certificate of resty.openssl.x509
-- @tparam ?table chain list of further certificates that it came with
-- @treturn true|nil
-- @treturn nil|string
function store:verify(certificate, chain)
  local pems = {}
  for i, item in ipairs({ certificate, unpack(chain or {}) }) do
    if not x509.istype(item) then
      return nil, "x509.store:verify: expect x509 instances"
    end
    pems[i] = item.pem
  end
  local bundle, err = self:trust()
  if not bundle then
    return nil, err
  end
  local verdict
  verdict, err = tls.judge({ verify = true, verify_name = false, trust = bundle }, pems)
  if not verdict then
    return nil, err
  elseif verdict.code ~= "ok" then
    return nil, verdict.text
  end
  return true
end

--- The core's trust bundle of the certificates, made when it is first needed. Not in
-- lua-resty-openssl.
-- @treturn cdata|nil
-- @treturn nil|string
function store:trust()
  if not self.bundle then
    local bundle, err = tls.trust(self.pems)
    if not bundle then
      return nil, err
    end
    self.bundle = bundle
  end
  return self.bundle
end

return store
