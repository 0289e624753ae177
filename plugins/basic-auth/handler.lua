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
-- why when it could not be looked for.
local function find_credential()
  for _, field in ipairs(FIELDS) do
    local name, text = read(field)
    if name then
      local credential, err = identity.credential("basicauth_credentials", "username", name)
      if credential or err then
        return credential, text, err
      end
    end
  end
end

-- Says whose name and password the request carries; or what to answer instead.
local function authenticate(conf)
  local credential, text, err = find_credential()
  if err then
    kong.log.err("could not look for the credential: ", err)
    return identity.UNEXPECTED
  elseif credential and credential.password == password.hash(text, credential.consumer.id) then
    return identity.authenticate(credential, credential.username)
  end
  return identity.unauthorized("Unauthorized", "Basic", conf.realm)
end

local function hide_credentials()
  for _, field in ipairs(FIELDS) do
    if read(field) then
      kong.service.request.clear_header(field)
    end
  end
end

function BasicAuth:access(conf)
  if not identity.is_asked(conf) then
    return
  end
  local refusal = authenticate(conf)
  if refusal then
    identity.refuse(refusal, conf.anonymous)
  end
  if conf.hide_credentials then
    hide_credentials()
  end
end

return BasicAuth
