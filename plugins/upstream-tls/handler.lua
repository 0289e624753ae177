-- How an upstream is verified: whom to trust, how deep a chain, which names, which certificate of
-- ours.
--
-- All of it follows from the configuration, so it is decided once per route, and per target where
-- these differ, when the configuration is compiled (plan), and requests do not pay for it. weir
-- asks this plugin about every service that is reached over TLS, also where nothing configures it.
local effective = require("kong.plugins.upstream-tls.effective")
local layers = require("kong.plugins.upstream-tls.layers")
local targets = require("kong.plugins.upstream-tls.targets")

-- Decides before any other plugin, which can then decide otherwise.
local UpstreamTLS = { PRIORITY = 1000001, VERSION = "1.2.0" }

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

-- What is legal and yet has to be meant, as a list of texts. The checks of the services' own fields
-- say the first two while this plugin is configured nowhere.
local function cautions(plan, values, fields)
  local list = {}
  local function add(format, name)
    list[#list + 1] = format:format(name and origin_of(fields, name))
  end
  local verifies = values.mode and values.mode ~= "off"
  if plan.configured and not verifies then
    add("is not verified (mode off, from: %s)", "mode")
  elseif plan.configured and is_empty(values.ca_certificates) and not values.system_cas then
    add("cannot be trusted: it is verified, but there are no CA certificates")
  end
  if values.mode == "report" then
    add("is verified for the log only, whatever the verdict (mode report, from: %s)", "mode")
  end
  if verifies and values.verify_name == false then
    add("may show a certificate of any name (verify_name off, from: %s)", "verify_name")
  end
  return list
end

-- The choice that values come to; nil and why there is none.
local function choice_of(plan, values)
  local choice = { depth = values.tls_verify_depth }
  for _, name in ipairs(SAME) do
    choice[name] = values[name]
  end
  choice.mode = choice.mode or UNVERIFIED
  local ok, err = add_handles(choice, values, plan)
  if not ok then
    return nil, err
  end
  return choice
end

-- What follows from layers: the choice, what to show of it, and what to be cautious about; nil and
-- why there is none.
local function choose(plan, place)
  local values, fields = effective.of(layers.of(plan, place))
  local choice, err = plan:once(values, choice_of)
  if not choice then
    return nil, err
  end
  return choice, fields, cautions(plan, values, fields)
end

-- Decides about one place of `targets`. What was said about the plan is not said again.
local function decide_target(plan, place, said)
  local choice, fields, list = choose(plan, place)
  if not choice then
    plan:refuse_target(place, fields)
    return
  end
  plan:set_target_policy(place, choice, fields)
  for _, text in ipairs(list) do
    if not said[text] and plan:has_target(place) then
      plan:warn(("at target '%s' %s"):format(place.text, text))
    end
  end
end

--- Sets the plan's policy, and those of targets that differ.
-- @treturn nil
-- @treturn nil|string why it cannot be made: the plan's requests are then refused
function UpstreamTLS:plan(_, plan)
  if not plan.tls then
    return
  end
  local choice, fields, list = choose(plan)
  if not choice then
    return nil, fields
  end
  local ok, err = plan:set_policy(choice, fields)
  if not ok then
    return nil, err
  end
  local said = {}
  for _, text in ipairs(list) do
    said[text] = true
    -- That a service's own tls_verify is overruled is said where plugins' decisions come together.
    if choice.mode ~= "off" or not plan.service.tls_verify then
      plan:warn(text)
    end
  end
  for _, place in ipairs(targets.places(plan.layers)) do
    if plan:reaches(place) then
      decide_target(plan, place, said)
    end
  end
end

return UpstreamTLS
