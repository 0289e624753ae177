-- Tokens as objects, by the name and with the methods of the module of Kong's that plugins of
-- others take tokens apart with.

local algorithms = require("kong.plugins.jwt.algorithms")
local decode = require("ngx.base64").decode_base64url
local pkey = require("resty.openssl.pkey")
local token = require("kong.plugins.jwt.token")

local Parser = {}
Parser.__index = Parser

--- Takes a token apart. Nothing of it is true before its signature was checked.
-- @tparam string text
-- @treturn table|nil token, header, claims, signature, and the parts as they were sent: header_64,
-- claims_64, signature_64
-- @treturn nil|string
function Parser:new(text)
  if type(text) ~= "string" then
    error("Token must be a string, got " .. tostring(text), 2)
  end
  local parsed, err = token.parse(text)
  if not parsed then
    return nil, err
  end
  local header, claims, signature = text:match("^([^.]*)%.([^.]*)%.(.*)$")
  return setmetatable({
    token = text, header_64 = header, claims_64 = claims, signature_64 = signature,
    header = parsed.header, claims = parsed.claims, signature = parsed.signature,
  }, self)
end

--- Whether the signature is that of a key, by the algorithm that the token itself names: whoever
-- asks has to know that it is the key's. What is a public or private key is never taken for a
-- secret: everybody could sign with it.
-- @tparam string key a secret, or a public key as PEM or DER
-- @treturn boolean
function Parser:verify_signature(key)
  local alg = self.header.alg
  if algorithms.is_symmetric(alg) and pkey.new(key) then
    return false
  end
  return algorithms.verify(alg, self.signature, self.header_64 .. "." .. self.claims_64, key)
end

--- Decodes a text in the alphabet for URLs.
-- @tparam string text
-- @treturn string|nil
function Parser:b64_decode(text)
  return (decode(text))
end

--- Checks claims about time.
-- @tparam ?{string,...} names which ones: exp, nbf
-- @treturn boolean
-- @treturn nil|table claim -> what is wrong
function Parser:verify_registered_claims(names)
  local problems = token.check_claims(self.claims, names, 0, ngx.time())
  return problems == nil, problems
end

--- Checks that a token does not live longer than it may.
-- @tparam number longest seconds that it may have left, 0 for any
-- @treturn boolean
-- @treturn nil|table
function Parser:check_maximum_expiration(longest)
  local problems = token.check_claims(self.claims, nil, longest, ngx.time())
  return problems == nil, problems
end

return Parser
