-- resty.openssl.x509: certificates, to ask and to hand to kong.service.set_tls_verify_store().
local base64 = require("weir.text.base64")
local core = require("weir.core")
local hash = require("weir.crypto.hash")
local pkey = require("resty.openssl.pkey")

local x509 = {}
x509.__index = x509

local DASHES, LABEL = ("%-"):rep(5), "[%u%d ]*CERTIFICATE"
local BLOCK = DASHES .. "BEGIN " .. LABEL .. DASHES .. ".-" .. DASHES .. "END " .. LABEL .. DASHES
local BODY = "CERTIFICATE" .. DASHES .. "(.-)" .. DASHES .. "END"
local LINE = ("."):rep(64)

local function pem_of(der)
  local body = base64.encode(der, false, true):gsub(LINE, "%0\n")
  return ("-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n"):format(body)
end

--- Parses one certificate: the first of the text, and no other is kept. A store must not trust more
-- than was meant.
-- @tparam string text PEM or DER
-- @tparam ?string form "PEM" or "DER"; "*" or nil: what it looks like
-- @treturn table|nil
-- @treturn nil|string
function x509.new(text, form)
  if type(text) ~= "string" then
    return nil, "x509.new: expect nil or a string at #1"
  end
  local is_der = form == "DER" or form ~= "PEM" and text:sub(1, 1) == "\48"
  local pem = is_der and pem_of(text) or text
  local certificates, err = core.x509_info(pem)
  if not certificates then
    return nil, "x509.new: " .. err
  elseif #certificates == 0 then
    return nil, "x509.new: no certificate in the PEM text"
  end
  return setmetatable({ pem = pem:match(BLOCK) .. "\n" }, x509)
end

-- What it says, read when it is first asked for.
local function facts(self)
  if not self.read then
    self.read = assert(core.x509_describe(self.pem))[1]
  end
  return self.read
end

--- Whether a value is a certificate of this module.
function x509.istype(value)
  return type(value) == "table" and getmetatable(value) == x509
end

--- The certificate as PEM.
function x509:to_PEM()
  return self.pem
end

--- The certificate as a text.
-- @tparam ?string form "PEM" (nil) or "DER"
function x509:tostring(form)
  if form == "DER" then
    return base64.decode((self.pem:match(BODY):gsub("%s", "")), false)
  end
  return self.pem
end

--- Seconds since the epoch from which on it is valid.
function x509:get_not_before()
  return facts(self).not_before
end

--- Seconds since the epoch until which it is valid.
function x509:get_not_after()
  return facts(self).not_after
end

--- Both.
-- @treturn number
-- @treturn number
function x509:get_lifetime()
  return facts(self).not_before, facts(self).not_after
end

--- Its version, 3 as a rule.
function x509:get_version()
  return facts(self).version
end

--- Whether basicConstraints say that it is a CA's.
function x509:get_ca()
  return facts(self).is_ca
end

-- What lua-resty-openssl has objects for; here they can be shown only.
local function shown_as(method, text)
  return { [method] = function() return text end }
end

--- Its serial number.
-- @treturn table to_hex()
function x509:get_serial_number()
  return shown_as("to_hex", facts(self).serial:upper())
end

--- Its subject.
-- @treturn table tostring()
function x509:get_subject_name()
  return shown_as("tostring", facts(self).subject or "")
end

--- Its issuer.
-- @treturn table tostring()
function x509:get_issuer_name()
  return shown_as("tostring", facts(self).issuer or "")
end

--- A digest of the whole certificate.
-- @tparam ?string name "sha1" if nil
-- @treturn string|nil
-- @treturn nil|string
function x509:digest(name)
  local result = hash.once(name or "sha1", self:tostring("DER"))
  if not result then
    return nil, ('x509:digest: invalid digest type "%s"'):format(name)
  end
  return result
end

--- Its public key.
-- @treturn table|nil resty.openssl.pkey
-- @treturn nil|string
function x509:get_pubkey()
  return pkey.of_certificate(self.pem)
end

return x509
