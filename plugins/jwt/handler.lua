-- Lets requests pass that carry a JSON Web Token signed with a consumer's key.

local algorithms = require("kong.plugins.jwt.algorithms")
local base64 = require("ngx.base64")
local identity = require("kong.plugins.key-auth.identity")
local places = require("kong.plugins.jwt.places")
local token = require("kong.plugins.jwt.token")

local Jwt = { PRIORITY = 1450, VERSION = require("kong.meta").version }

-- Whoever has sent no token is not told that one is invalid (RFC 6750). Answers are JSON, whatever
-- the client accepts: a message, or what is wrong by claim.
local function unauthorized(conf, message, has_token)
  if type(message) == "string" then
    message = { message = message }
  end
  return identity.unauthorized(message, "Bearer", conf.realm, has_token and "invalid_token" or nil)
end

-- The name of the key that a token says it is signed with, or what is wrong with it.
local function key_of(parsed, claim)
  local key = parsed.claims[claim]
  if key == nil then
    key = parsed.header[claim]
  end
  if key == nil then
    return nil, ("No mandatory '%s' in claims"):format(claim)
  elseif type(key) ~= "string" or key == "" then
    return nil, ("Invalid '%s' in claims"):format(claim)
  end
  return key
end

local URL_ALPHABET = { ["+"] = "-", ["/"] = "_" }

-- What the signatures of a credential are checked with; nil when it is not what it should be.
local function secret_of(conf, credential)
  if not algorithms.is_symmetric(credential.algorithm) then
    return credential.rsa_public_key
  elseif not conf.secret_is_base64 then
    return credential.secret
  end
  local secret = base64.decode_base64url((credential.secret:gsub("[+/]", URL_ALPHABET)))
  return secret ~= "" and secret or nil
end

-- What is wrong with a token by that credential; nil for nothing. The algorithm is the credential's
-- choice, never the token's: a public key is no secret that signatures could be made with.
local function problem_of(conf, parsed, credential)
  if parsed.header.alg ~= credential.algorithm then
    return "Invalid algorithm"
  end
  local secret = secret_of(conf, credential)
  if not secret then
    return "Invalid key/secret"
  elseif not algorithms.verify(credential.algorithm, parsed.signature, parsed.signed, secret) then
    return "Invalid signature"
  end
  return token.check_claims(parsed.claims, conf.claims_to_verify, conf.maximum_expiration,
    ngx.time())
end

-- The token of a text and its key's name; nil and what is wrong.
local function read_token(conf, text)
  local parsed, err = token.parse(text)
  if not parsed then
    return nil, "Bad token; " .. err
  end
  local key, why = key_of(parsed, conf.key_claim_name)
  if not key then
    return nil, why
  end
  return parsed, key
end

-- Says who has signed the request's token; or what to answer instead.
local function authenticate(conf)
  local texts = places.find(conf)
  local text = texts[1]
  if not text then
    return unauthorized(conf, "Unauthorized")
  elseif texts[2] then
    return unauthorized(conf, "Multiple tokens provided", true)
  end
  local parsed, key = read_token(conf, text)
  if not parsed then
    return unauthorized(conf, key, true)
  end
  local credential, refusal = identity.credential("jwt_secrets", "key", key)
  if not credential then
    return refusal or unauthorized(conf,
      ("No credentials found for given '%s'"):format(conf.key_claim_name), true)
  end
  local problem = problem_of(conf, parsed, credential)
  if problem then
    return unauthorized(conf, problem, true)
  end
  kong.ctx.shared.authenticated_jwt_token = text
  return identity.authenticate(credential, credential.key)
end

function Jwt:access(conf)
  identity.access(conf, authenticate)
end

return Jwt
