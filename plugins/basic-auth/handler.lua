-- Lets requests pass that carry a consumer's name and password (RFC 7617).

local identity = require("kong.plugins.key-auth.identity")
local password = require("kong.plugins.basic-auth.password")

local BasicAuth = { PRIORITY = 1100, VERSION = require("kong.meta").version }

-- In the order in which they are tried.
local FIELDS = { "Proxy-Authorization", "Authorization" }

-- The name and the password of a field; nil when it has none. A password may have colons.
local function read(field)
  local value = kong.request.get_header(field)
  local encoded = value and value:match("^%s*[Bb][Aa][Ss][Ii][Cc]%s+(%S+)%s*$")
  local text = encoded and ngx.decode_base64(encoded)
  if text then
    return text:match("^([^:]+):(.+)$")
  end
end

-- The credential of the first name that somebody has, and the password that came with it; nil, and
-- what to answer when it could not be looked for.
local function find_credential()
  for _, field in ipairs(FIELDS) do
    local name, text = read(field)
    if name then
      local credential, refusal = identity.credential("basicauth_credentials", "username", name)
      if credential or refusal then
        return credential, refusal or text
      end
    end
  end
end

-- Says whose name and password the request carries; or what to answer instead.
local function authenticate(conf)
  local credential, text_or_refusal = find_credential()
  if not credential then
    return text_or_refusal or identity.unauthorized("Unauthorized", "Basic", conf.realm)
  elseif credential.password ~= password.hash(text_or_refusal, credential.consumer.id) then
    return identity.unauthorized("Unauthorized", "Basic", conf.realm)
  end
  return identity.authenticate(credential, credential.username)
end

local function hide_credentials()
  for _, field in ipairs(FIELDS) do
    if read(field) then
      kong.service.request.clear_header(field)
    end
  end
end

function BasicAuth:access(conf)
  identity.access(conf, authenticate, hide_credentials)
end

return BasicAuth
