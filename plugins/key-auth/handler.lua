-- Lets requests pass that carry a consumer's key.

local identity = require("kong.plugins.key-auth.identity")
local places = require("kong.plugins.key-auth.places")

local KeyAuth = { PRIORITY = 1250, VERSION = require("kong.meta").version }

local function unauthorized(conf, message)
  return identity.unauthorized(message, "Key", conf.realm)
end

-- What stands under a name in the first place that has something there. `read` remembers what was
-- read of a place: the body is not read before it is asked for.
local function value_of(name, conf, read)
  for _, place in ipairs(places) do
    if conf[place.allowed_by] then
      read[place] = read[place] or place.read()
      local value = read[place][name]
      if value then
        return value
      end
    end
  end
end

local function find_key(conf)
  local read = {}
  for _, name in ipairs(conf.key_names) do
    local value = value_of(name, conf, read)
    if type(value) == "table" then
      return nil, unauthorized(conf, "Duplicate API key found")
    elseif type(value) == "string" then
      return value
    end
  end
  return ""
end

local function hide_keys(conf)
  for _, place in ipairs(places) do
    if conf[place.allowed_by] then
      for _, name in ipairs(conf.key_names) do
        place.hide(name)
      end
    end
  end
end

-- Says whose key the request carries; or what to answer instead.
local function authenticate(conf)
  local key, duplicate = find_key(conf)
  if not key then
    return duplicate
  elseif key == "" then
    return unauthorized(conf, "No API key found in request")
  end
  local credential, refusal = identity.credential("keyauth_credentials", "key", key)
  if not credential then
    return refusal or unauthorized(conf, "Unauthorized")
  end
  return identity.authenticate(credential, credential.id)
end

function KeyAuth:access(conf)
  identity.access(conf, authenticate, hide_keys)
end

return KeyAuth
