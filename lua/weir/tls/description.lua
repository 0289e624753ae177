-- The core's description of a policy (struct weir_policy_desc), filled from a choice of Lua's.
local ffi = require("ffi")
local choices = require("weir.tls.choice")
local values = require("weir.tls.values")
require("weir.abi")

local description = {}

local VERIFY = { enforce = 1, off = 2, report = 3 }
local MAX_DEPTH = 100
local DEFAULT_SECURITY_LEVEL = -1

-- Groups of lists, the numbers that the core has for them, and what their texts stand for.
local NAME_KINDS = { { "dns", 1, values.dns }, { "ip", 2, values.ip }, { "uri", 3, values.uri } }
local PIN_KINDS = { { "cert", 1, values.pin }, { "spki", 2, values.pin } }

local function slice(out, text)
  if text then
    out.p, out.n = text, #text
  end
end

-- What a group of lists holds, in the order of its kinds: { { kind, text }, … }.
local function flatten(group, kinds)
  local list = {}
  for _, item in ipairs(kinds) do
    for _, text in ipairs(group and group[item[1]] or {}) do
      list[#list + 1] = { item[2], item[3](text) }
    end
  end
  return list
end

local function add_names(desc, choice, kept)
  local list = flatten(choice.names, NAME_KINDS)
  local array = ffi.new("struct weir_name[?]", math.max(#list, 1))
  for i, item in ipairs(list) do
    array[i - 1].kind = item[1]
    slice(array[i - 1].value, item[2])
  end
  kept[#kept + 1], kept[#kept + 2] = list, array
  desc.names, desc.name_count = array, #list
  desc.names_all = choice.names and choice.names.match == "all" and 1 or 0
end

local function add_pins(desc, choice, kept)
  local list = flatten(choice.pins, PIN_KINDS)
  local array = ffi.new("struct weir_pin[?]", math.max(#list, 1))
  for i, item in ipairs(list) do
    array[i - 1].kind = item[1]
    slice(array[i - 1].sha256, item[2])
  end
  kept[#kept + 1], kept[#kept + 2] = list, array
  desc.pins, desc.pin_count = array, #list
end

local function add_crls(desc, choice, kept)
  local list = choice.crl or {}
  local array = ffi.new("struct weir_str[?]", math.max(#list, 1))
  for i, text in ipairs(list) do
    slice(array[i - 1], text)
  end
  kept[#kept + 1] = array
  desc.crls, desc.crl_count = array, #list
  desc.crl_chain = choice.crl_check == "chain" and 1 or 0
end

local function add_sni(desc, choice, kept)
  local sni = values.sni(choice.sni or "upstream_host")
  kept[#kept + 1] = sni
  desc.sni = sni.kind
  slice(desc.sni_name, sni.name)
end

local function flag(value, default)
  if value == nil then
    value = default
  end
  return value and 1 or 0
end

-- What the newest description points into: nothing of it may be collected while the core reads it.
local anchored

--- Describes a choice.
-- @tparam table choice that weir.tls.choice accepts
-- @tparam cdata trust its bundle, or the one that stands in for it
-- @treturn cdata struct weir_policy_desc, good until the next call of this function
-- @treturn table what it points into, for whoever needs it longer
function description.of(choice, trust)
  local kept = { choice, trust }
  local desc = ffi.new("struct weir_policy_desc")
  desc.verify = VERIFY[choices.mode(choice)]
  desc.depth = choice.depth or MAX_DEPTH
  desc.trust, desc.next, desc.credential = trust, choice.next, choice.credential
  desc.min_version = values.VERSIONS[choice.min_version] or 0
  desc.max_version = values.VERSIONS[choice.max_version] or 0
  desc.partial_chain = flag(choice.partial_chain, false)
  desc.strict = flag(choice.strict, false)
  desc.verify_name = flag(choice.verify_name, true)
  desc.ocsp = values.OCSP[choice.ocsp or "off"]
  desc.security_level = choice.security_level or DEFAULT_SECURITY_LEVEL
  add_names(desc, choice, kept)
  add_pins(desc, choice, kept)
  add_crls(desc, choice, kept)
  add_sni(desc, choice, kept)
  for _, name in ipairs({ "ciphers", "ciphersuites", "groups", "sigalgs", "alpn" }) do
    slice(desc[name], choice[name])
  end
  anchored = kept
  return desc, anchored
end

return description
