-- How cosockets verify: on by default, against the CA certificates of the setting
-- lua_ssl_trusted_certificate and for the name that is connected to.
local configuration = require("weir.pdk.configuration")
local credentials = require("weir.pdk.credentials")
local system_cas = require("weir.compile.system_cas")
local tls = require("weir.tls")

local policy = {}

-- The bundle, once it was asked for: the files are read once per worker.
local trust

local function read(name)
  if name == "system" then
    return system_cas.read(configuration.get("tls_system_cas"))
  end
  local file, err = io.open(name, "rb")
  if not file then
    return nil, err
  end
  local text = file:read("*a")
  file:close()
  return text
end

local function machine_trust()
  if trust then
    return trust
  end
  local pems = {}
  for i, name in ipairs(configuration.get("lua_ssl_trusted_certificate")) do
    local text, err = read(name)
    if not text then
      return nil, "lua_ssl_trusted_certificate: " .. err
    end
    pems[i] = text
  end
  local err
  trust, err = tls.trust(pems)
  return trust, err
end

-- The choice that ngx_lua's arguments stand for.
local function choice_of(verify, status)
  if type(verify) == "table" then
    local choice = {}
    for key, value in pairs(verify) do
      choice[key] = value
    end
    return choice
  elseif verify == false then
    return { verify = false }
  end
  local bundle, err = machine_trust()
  return bundle and {
    verify = true, trust = bundle, depth = configuration.get("lua_ssl_verify_depth"),
    ocsp = status and "soft" or "off",
  }, err
end

--- The policy of a handshake.
-- @tparam nil|boolean|table|cdata verify false: not at all (it has to be said); nil and true: by
-- lua_ssl_trusted_certificate; a table as for kong.tls.policy(); a policy
-- @tparam ?boolean status whether a stapled OCSP response is asked for
-- @tparam ?cdata credential shown to the peer
-- @treturn cdata|nil
-- @treturn nil|string
function policy.of(verify, status, credential)
  if tls.is_policy(verify) then
    if credential then
      return nil, "the policy says which client certificate is shown"
    end
    return verify
  end
  local choice, err = choice_of(verify, status)
  if not choice then
    return nil, err
  end
  choice.credential = choice.credential or credential
  choice.alpn = choice.alpn or "none"
  return tls.policy(choice)
end

--- A client certificate, as setclientcert() takes it.
-- @tparam nil|string|cdata cert PEM, or what ngx.ssl.parse_pem_cert() gave; nil: none
-- @tparam nil|string|cdata key
-- @treturn cdata|nil
-- @treturn nil|string
function policy.credential(cert, key)
  if cert == nil and key == nil then
    return nil
  elseif type(cert) == "string" and type(key) == "string" then
    return tls.credential(cert, key)
  elseif credentials.is_chain(cert) and credentials.is_key(key) then
    return credentials.of(cert, key)
  end
  return nil, "a certificate chain and its private key are needed, as PEM texts or of ngx.ssl"
end

return policy
