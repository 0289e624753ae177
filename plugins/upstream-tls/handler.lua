-- How an upstream is verified: whom to trust, how deep a chain, which names, which certificate of
-- ours.
--
-- All of it follows from the configuration, so it is decided once per route when the configuration
-- is compiled (plan), and requests do not pay for it. weir asks this plugin about every service
-- that is reached over TLS, also where nothing configures it.
local effective = require("kong.plugins.upstream-tls.effective")
local layers = require("kong.plugins.upstream-tls.layers")

-- Decides before any other plugin, which can then decide otherwise.
local UpstreamTLS = { PRIORITY = 1000001, VERSION = "1.1.0" }

-- Kong's default: an upstream is verified when somebody says so.
local UNVERIFIED = "off"

-- Fields that a policy has under the same names.
local SAME = {
  "mode", "partial_chain", "names", "verify_name", "sni", "pins", "crl", "crl_check", "ocsp",
  "min_version", "max_version", "ciphers", "ciphersuites", "groups", "sigalgs", "alpn",
  "security_level", "strict",
}

local function is_empty(list)
  return list == nil or list[1] == nil
end

-- Bundles and certificate of a policy: nil and why, when one of them cannot be made.
local function add_handles(choice, values, plan)
  local err
  choice.trust, err = plan:trust(values.ca_certificates, values.system_cas)
  if err then
    return nil, err
  end
  if values.next_ca_certificates or values.next_system_cas then
    choice.next, err = plan:trust(values.next_ca_certificates, values.next_system_cas)
  end
  if not err and values.client_certificate then
    choice.credential, err = plan:credential(values.client_certificate)
  end
  if err then
    return nil, err
  end
  return true
end

local function origin_of(fields, name)
  for _, field in ipairs(fields) do
    if field.name == name then
      return field.origin
    end
  end
end

-- What is legal and yet has to be meant. The checks of the services' own fields say the first two
-- while this plugin is configured nowhere.
local function warn(plan, values, fields)
  local verifies = values.mode and values.mode ~= "off"
  if plan.configured and not verifies and not plan.service.tls_verify then
    plan:warn(("is not verified (mode off, from: %s)"):format(origin_of(fields, "mode")))
  elseif plan.configured and verifies and is_empty(values.ca_certificates)
    and not values.system_cas then
    plan:warn("cannot be trusted: it is verified, but there are no CA certificates")
  end
  if values.mode == "report" then
    plan:warn(("is verified for the log only, whatever the verdict (mode report, from: %s)")
      :format(origin_of(fields, "mode")))
  end
  if verifies and values.verify_name == false then
    plan:warn(("may show a certificate of any name (verify_name off, from: %s)")
      :format(origin_of(fields, "verify_name")))
  end
end

--- Sets the plan's policy.
-- @treturn nil
-- @treturn nil|string why it cannot be made: the plan's requests are then refused
function UpstreamTLS:plan(_, plan)
  if not plan.tls then
    return
  end
  local values, fields = effective.of(layers.of(plan))
  local choice = { depth = values.tls_verify_depth }
  for _, name in ipairs(SAME) do
    choice[name] = values[name]
  end
  choice.mode = choice.mode or UNVERIFIED
  local ok, err = add_handles(choice, values, plan)
  if not ok then
    return nil, err
  end
  warn(plan, values, fields)
  return plan:set_policy(choice, fields)
end

return UpstreamTLS
