-- resty.openssl.pkey: private and public keys, for signatures.
--
-- A text is parsed once, as long as it is among the last that were used: plugins make the key anew
-- for each request.
local ffi = require("ffi")
local abi = require("weir.abi")
local digest = require("resty.openssl.digest")
local lrucache = require("resty.lrucache")

local C = abi.C

local KEPT = 128
local PKCS1, PSS = 1, 6

local pkey = {
  PADDINGS = {
    RSA_PKCS1_PADDING = PKCS1, RSA_SSLV23_PADDING = 2, RSA_NO_PADDING = 3,
    RSA_PKCS1_OAEP_PADDING = 4, RSA_X931_PADDING = 5, RSA_PKCS1_PSS_PADDING = PSS,
  },
}
pkey.__index = pkey

local parsed = lrucache.new(KEPT)

local function failure(step, why)
  return nil, ("pkey%s: %s"):format(step, why or ffi.string(C.weir_error()))
end

local function of_handle(handle)
  return setmetatable({ handle = ffi.gc(handle, C.weir_key_free) }, pkey)
end

--- Reads a key.
-- @tparam string text PEM or DER, private or public
-- @treturn table|nil
-- @treturn nil|string
function pkey.new(text)
  if type(text) ~= "string" then
    return failure(".new", "keys are read from texts, not made")
  end
  local key = parsed:get(text)
  if key then
    return key
  end
  local handle = C.weir_key_new(text, #text)
  if handle == nil then
    return failure(".new")
  end
  key = of_handle(handle)
  parsed:set(text, key)
  return key
end

--- The public key of a certificate. Not in lua-resty-openssl, whose x509:get_pubkey() needs it.
-- @tparam string pem
-- @treturn table|nil
-- @treturn nil|string
function pkey.of_certificate(pem)
  local handle = C.weir_key_of_certificate(pem, #pem)
  if handle == nil then
    return failure(".new")
  end
  return of_handle(handle)
end

--- Whether a value is a key of this module.
function pkey.istype(value)
  return type(value) == "table" and getmetatable(value) == pkey
end

--- Whether it is a private key.
function pkey:is_private()
  return C.weir_key_is_private(self.handle) == 1
end

--- Bytes of a signature, at most.
function pkey:get_size()
  return tonumber(C.weir_key_size(self.handle))
end

--- "RSA", "EC", "ED25519", …
function pkey:get_key_type()
  return { sn = ffi.string(C.weir_key_type(self.handle)) }
end

-- ---- signatures

-- How to sign `data` (a text, or a digest of resty.openssl.digest): the core's struct, the bytes
-- and the digest's name, or nil and what is wrong.
local function describe(data, name, padding, options)
  options = options or {}
  local how = ffi.new("struct weir_key_how", { salt = options.pss_saltlen or -1 })
  if digest.istype(data) then
    local bytes, err = data:final()
    if not bytes then
      return nil, err
    end
    how.hashed, data, name = 1, bytes, data.name
  elseif type(data) ~= "string" then
    return nil, "expect a digest instance or a string"
  end
  if padding == PSS then
    how.pss = 1
  elseif padding and padding ~= PKCS1 then
    return nil, ("padding %s is not supported"):format(tostring(padding))
  end
  if padding == PSS and not name then
    return nil, "PSS needs the name of a digest"
  end
  how.raw = options.ecdsa_use_raw and 1 or 0
  return how, data, name
end

-- Directly before the call: nothing may be collected in between.
local function set_name(how, name)
  if name then
    how.digest.p, how.digest.n = name, #name
  end
end

--- Signs.
-- @tparam string|table data a text, or a digest of resty.openssl.digest, which ends
-- @tparam ?string name of the digest of a text; nil: the key's own way (Ed25519), or its default
-- @tparam ?number padding of pkey.PADDINGS: PKCS1 (nil) or PSS
-- @tparam ?table options ecdsa_use_raw, pss_saltlen
-- @treturn string|nil
-- @treturn nil|string
function pkey:sign(data, name, padding, options)
  local how, bytes, digest_name = describe(data, name, padding, options)
  if not how then
    return failure(":sign", bytes)
  end
  local room = self:get_size()
  local out = ffi.new("char[?]", room)
  set_name(how, digest_name)
  local n = C.weir_key_sign(self.handle, how, bytes, #bytes, out, room)
  if n < 0 then
    return failure(":sign")
  end
  return ffi.string(out, tonumber(n))
end

--- Whether a signature is this key's.
-- @tparam string signature
-- @tparam string|table data as for sign(), as the other arguments
-- @treturn boolean|nil
-- @treturn nil|string why it could not be one, or could not be checked
function pkey:verify(signature, data, name, padding, options)
  if type(signature) ~= "string" then
    return failure(":verify", "expect a string at #1")
  end
  local how, bytes, digest_name = describe(data, name, padding, options)
  if not how then
    return failure(":verify", bytes)
  end
  set_name(how, digest_name)
  local result = C.weir_key_verify(self.handle, how, signature, #signature, bytes, #bytes)
  if result < 0 then
    return failure(":verify")
  end
  return result == 1
end

-- ---- writing

--- The key as a text.
-- @tparam ?string kind "public" (nil) or "private"
-- @tparam ?string form "PEM" (nil) or "DER"
-- @treturn string|nil
-- @treturn nil|string
function pkey:tostring(kind, form)
  local as_private, as_pem = kind == "private" and 1 or 0, form ~= "DER" and 1 or 0
  local length = tonumber(C.weir_key_write(self.handle, as_private, as_pem, nil, 0))
  if length < 0 then
    return failure(":tostring")
  end
  local out = ffi.new("char[?]", length)
  C.weir_key_write(self.handle, as_private, as_pem, out, length)
  return ffi.string(out, length)
end

--- The key as PEM.
-- @tparam ?string kind "public" (nil) or "private"
function pkey:to_PEM(kind)
  return self:tostring(kind, "PEM")
end

return pkey
