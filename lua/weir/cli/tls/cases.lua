-- The cases of `weir tls verify`: from a line of JSON to a line of JSON.
local cjson = require("cjson").new()
local bundles = require("weir.cli.tls.bundles")
local judge = require("weir.tls.judge")
local rfc3339 = require("weir.text.rfc3339")
local suggest = require("weir.text.suggest")

-- NaN and Infinity are no JSON.
cjson.decode_invalid_numbers(false)

local null = cjson.null

-- ---- reading a case

-- A case that cannot be judged: raised by what reads it, caught around it.
local function refuse(format, ...)
  error({ refused = format:format(...) }, 0)
end

local function check(kind, matches)
  return function(value, field)
    if not matches(value) then
      refuse("%s: expected %s", field, kind)
    end
    return value
  end
end

local function is(kind)
  return function(value)
    return type(value) == kind
  end
end

local function whole_number(low, high)
  return check(("a whole number from %d to %d"):format(low, high), function(value)
    return type(value) == "number" and value % 1 == 0 and value >= low and value <= high
  end)
end

-- An array of strings; cjson makes both of [] and {} an empty table.
local texts = check("a list of strings", function(value)
  if type(value) ~= "table" then
    return false
  end
  local count = 0
  for key, item in pairs(value) do
    count = count + 1
    if type(key) ~= "number" or type(item) ~= "string" then
      return false
    end
  end
  return count == #value
end)

local KINDS = { DNS = "dns", IP = "ip", URI = "uri", RFC822 = "email" }

local function peer_name(value, field)
  if type(value) ~= "table" or type(value.kind) ~= "string" or type(value.value) ~= "string" then
    refuse("%s: expected an object with kind and value", field)
  elseif not KINDS[value.kind] then
    refuse("%s: a name of kind %s is not known; expected DNS, IP, RFC822 or URI", field, value.kind)
  end
  return { kind = KINDS[value.kind], value = value.value }
end

local function time(value, field)
  local seconds = type(value) == "string" and rfc3339.parse(value)
  if not seconds then
    refuse("%s: expected a time like 2026-01-31T12:00:00Z", field)
  elseif seconds <= 0 then
    refuse("%s: expected a time after 1970-01-01T00:00:00Z", field)
  end
  return seconds
end

local function server_only(value, field)
  for _, purpose in ipairs(texts(value, field)) do
    if purpose ~= "serverAuth" then
      refuse("%s: weir judges servers; %s is not supported", field, purpose)
    end
  end
end

local function nothing_wanted(value, field)
  if #texts(value, field) > 0 then
    refuse("%s: not supported", field)
  end
end

local flag = check("true or false", is("boolean"))
local text = check("a string", is("string"))

-- How each field is read. Those that x509-limbo's cases have for people alone are read by `ignore`.
local function ignore() end

local FIELDS = {
  id = ignore,
  trusted_certs = texts,
  untrusted_intermediates = texts,
  peer_certificate = text,
  expected_peer_name = peer_name,
  validation_time = time,
  max_chain_depth = whole_number(0, 100),
  extended_key_usage = server_only,
  crls = texts,
  strict = flag,
  partial_chain = flag,
  security_level = whole_number(0, 5),
  validation_kind = check('"SERVER": weir judges servers', function(value)
    return value == "SERVER"
  end),
  signature_algorithms = nothing_wanted,
  key_usage = nothing_wanted,
  features = ignore,
  importance = ignore,
  description = ignore,
  conflicts_with = ignore,
  peer_certificate_key = ignore,
  expected_peer_names = ignore,
  expected_result = ignore,
}

local names = {}
for name in pairs(FIELDS) do
  names[#names + 1] = name
end
table.sort(names)

local function read_case(object)
  local case = {}
  for field, value in pairs(object) do
    local read = FIELDS[field]
    if not read then
      refuse("%s: unknown field%s", tostring(field), suggest.phrase(tostring(field), names))
    elseif value ~= null then
      case[field] = read(value, field)
    end
  end
  if not case.peer_certificate then
    refuse("peer_certificate: required field missing")
  end
  return case
end

-- ---- judging it

local function policy_of(case)
  local trust, err = bundles.of(case.trusted_certs or {})
  if not trust then
    refuse("trusted_certs: %s", err)
  end
  local crls = case.crls or {}
  return {
    verify = true,
    trust = trust,
    depth = case.max_chain_depth,
    verify_name = case.expected_peer_name ~= nil,
    crl = #crls > 0 and crls or nil,
    crl_check = #crls > 0 and "chain" or nil,
    strict = case.strict,
    partial_chain = case.partial_chain,
    security_level = case.security_level,
  }
end

local function judge_case(object)
  local case = read_case(object)
  local chain = { case.peer_certificate }
  for i, pem in ipairs(case.untrusted_intermediates or {}) do
    chain[i + 1] = pem
  end
  local verdict, err = judge.chain(policy_of(case), chain, case.expected_peer_name,
    case.validation_time)
  if not verdict then
    refuse("%s", err)
  end
  return verdict
end

-- ---- lines

local cases = {}

-- The object on a line; a problem that is already known comes first.
local function read_line(line, problem)
  if problem then
    refuse("%s", problem)
  end
  local ok, object = pcall(cjson.decode, line)
  if not ok then
    refuse("not valid JSON: %s", (object:gsub("^Expected", "expected")))
  elseif type(object) ~= "table" then
    refuse("expected an object")
  end
  return object
end

-- Calls a function that may refuse. Returns its result; or nil and the text of the refusal.
local function try(run, ...)
  local ok, result = pcall(run, ...)
  if ok then
    return result
  elseif type(result) ~= "table" then
    error(result, 0)
  end
  return nil, result.refused
end

--- Judges the case on a line.
-- @tparam string line
-- @tparam number number of the line, for messages
-- @tparam ?string problem why the line cannot even be read
-- @treturn string the answer, JSON
-- @treturn boolean whether the case could be judged
function cases.answer(line, number, problem)
  local answer = { id = null, result = "FAILURE" }
  local object, verdict, err
  object, err = try(read_line, line, problem)
  if object then
    answer.id = object.id == nil and null or object.id
    verdict, err = try(judge_case, object)
  end
  if verdict then
    answer.result = verdict.code == "ok" and "SUCCESS" or "FAILURE"
    answer.verdict = verdict
  else
    answer.error = ("line %d: %s"):format(number, err)
  end
  return cjson.encode(answer), verdict ~= nil
end

return cases
