-- JSON Web Tokens (RFC 7519, in RFC 7515's compact form): what they say, whether their signature is
-- good, whether they count now.

local cjson = require("cjson.safe")
local algorithms = require("kong.plugins.jwt.algorithms")
local decode = require("ngx.base64").decode_base64url

local token = {}

-- What one part says; nil when it is no JSON.
local function value_of(part)
  local text = decode(part)
  return text and cjson.decode(text)
end

-- The type that a token says it has is of no account: it is for those that it was made for.
local function check_header(header)
  if type(header.alg) ~= "string" or not algorithms.is_known(header.alg) then
    return "invalid alg"
  elseif header.crit ~= nil then
    -- Whoever does not understand what it names must not take the token, and nothing is understood.
    return "crit is not supported"
  end
end

--- Takes a token apart. Nothing of it is true before its signature was checked.
-- @tparam string text
-- @treturn table|nil { header, claims, signature, signed = the text that was signed }
-- @treturn nil|string
function token.parse(text)
  local first, second, third = text:match("^([^.]*)%.([^.]*)%.(.*)$")
  local header, claims = first and value_of(first), first and value_of(second)
  if type(header) ~= "table" or claims == nil then
    return nil, "invalid JSON"
  end
  local problem = check_header(header)
  if problem then
    return nil, problem
  elseif type(claims) ~= "table" then
    return nil, "invalid claims"
  end
  local signature = decode(third)
  if not signature then
    return nil, "invalid signature"
  end
  return { header = header, claims = claims, signature = signature,
    signed = first .. "." .. second }
end

-- claim -> what is wrong with its value, nil for nothing.
local CLAIMS = {
  exp = function(value, now)
    return value <= now and "token expired" or nil
  end,
  nbf = function(value, now)
    return value > now and "token not valid yet" or nil
  end,
}

--- Checks claims about time.
-- @tparam table claims
-- @tparam ?table names which ones: exp, nbf
-- @tparam ?number longest seconds that a token may have left, 0 for any
-- @tparam number now seconds since the epoch
-- @treturn nil|table claim -> what is wrong
function token.check_claims(claims, names, longest, now)
  local problems = {}
  for _, name in ipairs(names or {}) do
    local value = claims[name]
    if type(value) ~= "number" then
      problems[name] = "must be a number"
    else
      problems[name] = CLAIMS[name](value, now)
    end
  end
  local exp = claims.exp
  if (longest or 0) > 0 and not problems.exp
    and not (type(exp) == "number" and exp - now <= longest) then
    problems.exp = "exceeds maximum allowed expiration"
  end
  return next(problems) and problems or nil
end

return token
