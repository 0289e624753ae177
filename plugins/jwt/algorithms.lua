-- The algorithms of RFC 7518 and RFC 8037 that signatures may be made with: each tells whether a
-- signature of a text is that of a key.

local mac = require("resty.openssl.mac")
local pkey = require("resty.openssl.pkey")

local algorithms = {}

--- In the order in which messages name them.
algorithms.NAMES = {
  "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512",
  "PS256", "PS384", "PS512", "EdDSA",
}

local RAW = { ecdsa_use_raw = true }

-- The kinds of keys, as resty.openssl.pkey names them.
local RSA, RSA_OR_PSS, EC, EDWARDS = "^RSA$", "^RSA", "^EC$", "^ED"

-- Bytes of the signatures of the curve that goes with a digest: one of another length is of another
-- curve.
local RAW_SIZES = { sha256 = 64, sha384 = 96, sha512 = 132 }

-- Equal texts are one object of Lua's: a comparison takes no longer the more of them is right.
local function hmac(digest)
  return function(signature, text, key)
    local code = assert(mac.new(key, "HMAC", nil, digest))
    return assert(code:final(text)) == signature
  end
end

-- A key that is none, or of another kind, has no good signatures.
local function asymmetric(kind, digest, padding)
  local options = kind == EC and RAW or nil
  local size = kind == EC and RAW_SIZES[digest] or nil
  return function(signature, text, key)
    local public = pkey.new(key)
    return public ~= nil and public:get_key_type().sn:find(kind) ~= nil
      and (size or #signature) == #signature
      and public:verify(signature, text, digest, padding, options) == true
  end
end

local verifiers = { EdDSA = asymmetric(EDWARDS) }
for _, bits in ipairs({ "256", "384", "512" }) do
  local digest = "sha" .. bits
  verifiers["HS" .. bits] = hmac(digest)
  verifiers["RS" .. bits] = asymmetric(RSA, digest)
  verifiers["ES" .. bits] = asymmetric(EC, digest)
  verifiers["PS" .. bits] = asymmetric(RSA_OR_PSS, digest, pkey.PADDINGS.RSA_PKCS1_PSS_PADDING)
end

--- Whether there is an algorithm.
function algorithms.is_known(name)
  return verifiers[name] ~= nil
end

--- Whether keys of an algorithm are secrets that both sides have.
function algorithms.is_symmetric(name)
  return name:sub(1, 2) == "HS"
end

--- Whether a signature is good.
-- @tparam string name of the algorithm
-- @tparam string signature
-- @tparam string text
-- @tparam string key a secret, or a public key as PEM
-- @treturn boolean
function algorithms.verify(name, signature, text, key)
  return verifiers[name](signature, text, key)
end

return algorithms
