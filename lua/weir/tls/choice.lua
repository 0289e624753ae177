-- What a policy may be made of: the fields, their types, and which go together. A field that is not
-- known, or that has a value which means nothing, is an error and never "off".
local ffi = require("ffi")
local values = require("weir.tls.values")
require("weir.abi")

local choice = {}

local MAX_DEPTH, MAX_SECURITY_LEVEL = 100, 5

local TRUST = ffi.typeof("struct weir_trust *")
local CREDENTIAL = ffi.typeof("struct weir_credential *")

-- ---- types: each returns true, or nil and what the value must be

local function boolean(value)
  return type(value) == "boolean" or nil, "must be a boolean"
end

local function text(value)
  return type(value) == "string" and value ~= "" or nil, "must be a text"
end

local function integer(low, high)
  return function(value)
    return type(value) == "number" and value % 1 == 0 and value >= low and value <= high or nil,
      ("must be an integer between %d and %d"):format(low, high)
  end
end

local function one_of(...)
  local known, words = {}, { ... }
  for _, word in ipairs(words) do
    known[word] = true
  end
  return function(value)
    return known[value] or nil, "must be one of: " .. table.concat(words, ", ")
  end
end

local function handle(ctype, maker)
  return function(value)
    return ffi.istype(ctype, value) or nil, "must be of " .. maker
  end
end

local function sni(value)
  local parsed, err = values.sni(value)
  return parsed and true, err
end

local function alpn(value)
  local word, err = values.alpn(value)
  return word and true, err
end

local function list_of(check)
  return function(list)
    if type(list) ~= "table" then
      return nil, "must be a list"
    end
    for key in pairs(list) do
      if type(key) ~= "number" or key % 1 ~= 0 or key < 1 or key > #list then
        return nil, "must be a list"
      end
    end
    for i, value in ipairs(list) do
      local ok, err = check(value)
      if not ok then
        return nil, ("[%d] %s"):format(i, err)
      end
    end
    return true
  end
end

-- An empty list would mean "off" by accident.
local function at_least_one(check)
  return function(list)
    local ok, err = check(list)
    if ok and list[1] == nil then
      return nil, "must not be empty"
    end
    return ok, err
  end
end

-- A table with these fields and no others, of which at least one has something in it.
local function group(fields, needed)
  return function(value)
    if type(value) ~= "table" then
      return nil, "must be a table"
    end
    for name, item in pairs(value) do
      if not fields[name] then
        return nil, ("has an unknown field '%s'"):format(tostring(name))
      end
      local ok, err = fields[name](item)
      if not ok then
        return nil, ("%s %s"):format(name, err)
      end
    end
    for _, name in ipairs(needed) do
      if value[name] and value[name][1] ~= nil then
        return true
      end
    end
    return nil, "must name at least one of: " .. table.concat(needed, ", ")
  end
end

local FIELDS = {
  verify = boolean,
  mode = one_of(unpack(values.MODES)),
  depth = integer(0, MAX_DEPTH),
  trust = handle(TRUST, "kong.tls.trust"),
  next = handle(TRUST, "kong.tls.trust"),
  credential = handle(CREDENTIAL, "kong.tls.credential"),
  partial_chain = boolean,
  strict = boolean,
  verify_name = boolean,
  names = group({
    dns = list_of(values.dns), ip = list_of(values.ip), uri = list_of(values.uri),
    match = one_of("any", "all"),
  }, { "dns", "ip", "uri" }),
  sni = sni,
  pins = group({ cert = list_of(values.pin), spki = list_of(values.pin) }, { "cert", "spki" }),
  crl = at_least_one(list_of(text)),
  crl_check = one_of("leaf", "chain"),
  ocsp = one_of("off", "soft", "hard"),
  min_version = one_of("TLSv1.2", "TLSv1.3"),
  max_version = one_of("TLSv1.2", "TLSv1.3"),
  ciphers = text,
  ciphersuites = text,
  groups = text,
  sigalgs = text,
  alpn = alpn,
  security_level = integer(0, MAX_SECURITY_LEVEL),
}

local function check_fields(c)
  for name, value in pairs(c) do
    if not FIELDS[name] then
      return nil, ("unknown field '%s'"):format(tostring(name))
    end
    local ok, err = FIELDS[name](value)
    if not ok then
      return nil, ("%s %s"):format(name, err)
    end
  end
  return true
end

-- Fields that contradict each other, or that say something about what is not there.
local function check_together(c)
  if c.mode == nil and c.verify == nil then
    return nil, "verify must be a boolean"
  elseif c.mode ~= nil and c.verify ~= nil then
    return nil, "only one of verify and mode can be set"
  elseif c.verify_name == false and c.names then
    return nil, "names are not looked for with verify_name off"
  elseif c.crl_check and not (c.crl and c.crl[1]) then
    return nil, "crl_check needs a crl"
  end
  local low, high = c.min_version or "TLSv1.2", c.max_version or "TLSv1.3"
  if values.VERSIONS[low] > values.VERSIONS[high] then
    return nil, ("min_version %s is above max_version %s"):format(low, high)
  end
  return true
end

--- Whether a policy can be made of a choice.
-- @tparam table c see weir.tls.policy
-- @treturn true|nil
-- @treturn nil|string which field is wrong, and how
function choice.check(c)
  local ok, err = check_fields(c)
  if not ok then
    return nil, err
  end
  return check_together(c)
end

--- "enforce", "report" or "off".
-- @tparam table c a choice that check() accepts
function choice.mode(c)
  return c.mode or c.verify and "enforce" or "off"
end

return choice
