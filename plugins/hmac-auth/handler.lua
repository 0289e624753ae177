-- Lets requests pass that are signed with a consumer's secret (draft-cavage-http-signatures, as
-- Kong has it).

local identity = require("kong.plugins.key-auth.identity")
local sha256 = require("kong.tools.sha256")
local signature = require("kong.plugins.hmac-auth.signature")

local HmacAuth = { PRIORITY = 1030, VERSION = require("kong.meta").version }

-- In the order in which they are tried.
local FIELDS = { "Proxy-Authorization", "Authorization" }
local DATES = { "x-date", "date" }
local MAX = 1000

local NOT_VERIFIED = "HMAC signature cannot be verified"
local NOT_IN_TIME = NOT_VERIFIED
  .. ", a valid date or x-date header is required for HMAC Authentication"
local NOT_SAME = "HMAC signature does not match"

-- What the request says of its signature; nil and whether it has a field for that.
local function find_signature()
  local has_field = false
  for _, name in ipairs(FIELDS) do
    local value = kong.request.get_header(name)
    local stated = signature.parse(value)
    if stated then
      return stated
    end
    has_field = has_field or value ~= nil
  end
  return nil, has_field
end

local function is_near(value, clock_skew)
  local at = type(value) == "string" and ngx.parse_http_time(value)
  return at and math.abs(ngx.time() - at) <= clock_skew
end

-- Whether the request is of now. A date that is signed is not made up for by one that is not:
-- anybody could add that to a request of yesterday.
local function is_in_time(stated, fields, clock_skew)
  local signed = stated and stated.signed or {}
  local any_signed = signed[DATES[1]] or signed[DATES[2]]
  for _, name in ipairs(DATES) do
    if (signed[name] or not any_signed) and is_near(fields[name], clock_skew) then
      return true
    end
  end
  return false
end

local function contains(list, wanted)
  for _, value in ipairs(list) do
    if value == wanted then
      return true
    end
  end
  return false
end

-- What the configuration does not allow in a signature; nil for nothing.
local function shortcoming_of(stated, conf)
  if not contains(conf.algorithms, stated.algorithm) then
    return ("algorithm %s is not allowed"):format(stated.algorithm)
  end
  for _, name in ipairs(conf.enforce_headers) do
    if not stated.signed[name:lower()] then
      return ("%s is not signed"):format(name)
    end
  end
end

-- Whether the body is that of the field Digest. A request without either is complete.
local function is_body_good(digest)
  local body, err = kong.request.get_raw_body()
  if not body then
    kong.log.warn("could not read the body: ", err)
    return false
  elseif digest == nil then
    return body == ""
  end
  return digest == "SHA-256=" .. sha256.sha256_base64(body)
end

-- What is wrong with a signature by that credential; nil for nothing.
local function problem_of(conf, stated, fields, credential)
  local text = signature.text(stated.names, fields)
  if not signature.is_good(stated, text, credential.secret) then
    return NOT_SAME
  elseif conf.validate_request_body and not is_body_good(fields.digest) then
    return NOT_SAME
  end
end

-- What the request says of its signature and its header fields; nil and what is wrong before
-- anybody's secret is looked for.
local function read(conf)
  local stated, has_field = find_signature()
  if not stated and not has_field then
    return nil, "Unauthorized"
  end
  local fields, truncated = kong.request.get_headers(MAX)
  if truncated then
    kong.log.debug("too many header fields to say what is signed")
    return nil, NOT_VERIFIED
  elseif not is_in_time(stated, fields, conf.clock_skew) then
    return nil, NOT_IN_TIME
  end
  local shortcoming = stated and shortcoming_of(stated, conf) or not stated and "incomplete"
  if shortcoming then
    kong.log.debug("signature refused: ", shortcoming)
    return nil, NOT_VERIFIED
  end
  return stated, fields
end

-- Says who has signed the request; or what to answer instead.
local function authenticate(conf)
  local function unauthorized(message)
    return identity.unauthorized(message, "hmac", conf.realm)
  end
  local stated, fields = read(conf)
  if not stated then
    return unauthorized(fields)
  end
  local credential, refusal =
    identity.credential("hmacauth_credentials", "username", stated.username)
  if not credential then
    return refusal or unauthorized(NOT_VERIFIED)
  end
  local problem = problem_of(conf, stated, fields, credential)
  if problem then
    return unauthorized(problem)
  end
  return identity.authenticate(credential, credential.username)
end

local function hide_credentials()
  for _, name in ipairs(FIELDS) do
    if signature.parse(kong.request.get_header(name)) then
      kong.service.request.clear_header(name)
    end
  end
end

function HmacAuth:access(conf)
  identity.access(conf, authenticate, hide_credentials)
end

return HmacAuth
