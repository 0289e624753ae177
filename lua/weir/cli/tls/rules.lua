-- The rules that a chain is judged by, each with its value, where that comes from, and what came of
-- it.
local judge = require("weir.tls.judge")
local remedies = require("weir.cli.tls.remedies")

local rules = {}

local PATH_LENGTH_EXCEEDED = 25 -- X509_V_ERR_PATH_LENGTH_EXCEEDED, which counts as depth_exceeded

-- The rule that a code breaks, by the name of a field or of what always holds.
local BROKEN = {
  untrusted_issuer = "ca_certificates",
  self_signed = "ca_certificates",
  depth_exceeded = "tls_verify_depth",
  path_length = "basic constraints",
  not_a_ca = "basic constraints",
  name_mismatch = "names",
  name_constraint = "name constraints",
  expired = "validity",
  not_yet_valid = "validity",
  bad_signature = "signatures",
  wrong_purpose = "purpose",
  weak_key = "security_level",
  revoked = "crl",
  crl_expired = "crl",
  crl_missing = "crl",
  crl_invalid = "crl",
  ocsp_required = "ocsp",
  ocsp_invalid = "ocsp",
  not_compliant = "strict",
  pin_mismatch = "pins",
}

local ALWAYS = {
  { "validity", "now is within the dates of every certificate" },
  { "signatures", "every certificate is signed by the next" },
  { "basic constraints", "issuers are CAs, within their path lengths" },
  { "name constraints", "of every CA of the chain" },
  { "purpose", "serverAuth, where purposes are given" },
  { "form", "the chain is well formed" },
}

-- Fields that say how the handshake is made; they judge nobody.
local HANDSHAKE = {
  sni = true, client_certificate = true, min_version = true, max_version = true, ciphers = true,
  ciphersuites = true, groups = true, sigalgs = true, alpn = true,
}

-- Fields of the bundle that is judged beside the one in force.
local NEXT = { next_ca_certificates = true, next_system_cas = true }

-- The code by which rules and remedies are found.
local function code_of(verdict)
  if verdict.code == "depth_exceeded" and verdict.openssl == PATH_LENGTH_EXCEEDED then
    return "path_length"
  end
  return verdict.code
end

--- The rule that a verdict says is broken.
function rules.broken(verdict)
  return BROKEN[code_of(verdict)] or "form"
end

--- What would mend it.
function rules.remedy(verdict)
  return remedies[code_of(verdict)] or remedies.other
end

-- ---- looking behind the first failure

-- What to change in a policy so that what comes after a failure is judged, too. Failures that are
-- missing here end the search.
local RELAXED = {
  depth_exceeded = function(case) case.choice.depth = nil end,
  name_mismatch = function(case)
    case.choice.verify_name, case.choice.names, case.name = false, nil, nil
  end,
  not_compliant = function(case) case.choice.strict = false end,
  pin_mismatch = function(case) case.choice.pins = nil end,
  weak_key = function(case) case.choice.security_level = 0 end,
  expired = function(case) case.at = case.valid_at end,
  not_yet_valid = function(case) case.at = case.valid_at end,
}
for _, code in ipairs({ "revoked", "crl_expired", "crl_missing", "crl_invalid" }) do
  RELAXED[code] = function(case) case.choice.crl, case.choice.crl_check = nil, nil end
end

-- A time at which every certificate of the path is valid, if there is one.
local function common_time(path)
  local from, to = 0, math.huge
  for _, certificate in ipairs(path) do
    from = math.max(from, certificate.not_before)
    to = math.min(to, certificate.not_after)
  end
  return from < to and from + math.floor((to - from) / 2) or nil
end

-- The policy as it would be if it were enforced.
local function enforcing(choice)
  local copy = {}
  for name, value in pairs(choice) do
    copy[name] = value
  end
  copy.mode, copy.verify = nil, true
  return copy
end

--- Judges a chain as if its policy were enforced, and again without each rule that fails.
-- @tparam table case choice, pems, name, at: as for judge.chain(); path: certificates
--   (weir.cli.tls.chain)
-- @treturn table|nil list of verdicts: the first is the one that counts; the last is the one that
--   could not be passed over, or one with code "ok"
-- @treturn nil|string
function rules.judge(case)
  local relaxed = {
    choice = enforcing(case.choice), name = case.name, at = case.at,
    valid_at = common_time(case.path),
  }
  local verdicts, seen = {}, {}
  while true do
    local verdict, err = judge.chain(relaxed.choice, case.pems, relaxed.name, relaxed.at)
    if not verdict then
      return nil, err
    end
    verdicts[#verdicts + 1] = verdict
    local code = code_of(verdict)
    if not RELAXED[code] or seen[code] then
      return verdicts
    end
    seen[code] = true
    RELAXED[code](relaxed)
  end
end

-- ---- the table

local function result_of(name, outcome)
  if outcome.broken[name] then
    return outcome.broken[name]
  elseif HANDSHAKE[name] or name == "ocsp" and not outcome.live then
    return "not judged"
  elseif NEXT[name] then
    return outcome.next or "not judged"
  end
  return outcome.complete and "ok" or "not reached"
end

--- Whether a handshake failed at what was stapled, which is all that it judges beyond the chain.
-- @tparam table verdict of the chain
-- @tparam ?table live verdict of the handshake
function rules.is_stapled(verdict, live)
  return live ~= nil and live.code ~= "unverified" and live.code ~= "ok" and verdict.code == "ok"
end

--- All rules in the order of the fields that say something, then what always holds.
-- @tparam table fields list of { name, value, origin }
-- @tparam table verdicts what judge() gave
-- @tparam ?table live verdict of a handshake, which alone judges what is stapled
-- @treturn table list of { name, value, origin, result = "ok", "not reached" (something failed
--   before it), "not judged" (it is about the handshake) or the code of the failure }
function rules.list(fields, verdicts, live)
  local outcome = {
    broken = {}, complete = verdicts[#verdicts].code == "ok", next = verdicts[1].next_code,
    live = live ~= nil and live.code ~= "unverified",
  }
  for _, verdict in ipairs(verdicts) do
    if verdict.code ~= "ok" then
      outcome.broken[rules.broken(verdict)] = verdict.code
    end
  end
  if rules.is_stapled(verdicts[1], live) then
    outcome.broken.ocsp = live.code
  end
  local list, present = {}, {}
  local function add(name, value, origin)
    present[name] = true
    list[#list + 1] = {
      name = name, value = value, origin = origin, result = result_of(name, outcome),
    }
  end
  for _, field in ipairs(fields) do
    if field.value ~= nil then
      add(field.name, field.value, field.origin)
    end
  end
  for _, rule in ipairs(ALWAYS) do
    add(rule[1], rule[2], "always")
  end
  for name in pairs(outcome.broken) do
    if not present[name] then
      add(name, nil, "default")
    end
  end
  return list
end

return rules
