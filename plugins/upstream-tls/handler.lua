-- How an upstream is verified: which CA certificates, how deep a chain, which certificate of ours.
--
-- All of it follows from the configuration, so it is decided once per route when the configuration
-- is compiled (plan), and requests do not pay for it. weir asks this plugin about every service
-- that is reached over TLS, also where nothing configures it.

-- Decides before any other plugin, which can then decide otherwise.
local UpstreamTLS = { PRIORITY = 1000001, VERSION = "1.0.0" }

-- What OpenSSL allows when nobody says anything.
local NO_LIMIT = 100

-- The first of the plugin's configuration and the service that says something about a field.
local function field(conf, service, name)
  if conf and conf[name] ~= nil then
    return conf[name]
  end
  return service[name]
end

-- Kong also lets an upstream entity name the certificate for services that name none.
local function client_certificate(conf, plan)
  if conf and conf.client_certificate then
    return conf.client_certificate
  end
  local reference = plan.service.client_certificate
    or plan.upstream and plan.upstream.client_certificate
  return reference and reference.id
end

--- Sets the plan's policy.
-- @treturn nil
-- @treturn nil|string why it cannot be made: the plan's requests are then refused
function UpstreamTLS:plan(conf, plan)
  if not plan.tls then
    return
  end
  local trust, credential, err
  trust, err = plan:trust(field(conf, plan.service, "ca_certificates"))
  if not trust then
    return nil, err
  end
  local certificate = client_certificate(conf, plan)
  if certificate then
    credential, err = plan:credential(certificate)
    if not credential then
      return nil, err
    end
  end
  return plan:set_policy({
    verify = field(conf, plan.service, "tls_verify") == true,
    depth = field(conf, plan.service, "tls_verify_depth") or NO_LIMIT,
    trust = trust,
    credential = credential,
  })
end

return UpstreamTLS
