-- Parsed certificates and keys as plugins hold them (ngx.ssl), and the credentials that pairs of
-- them make.
local ffi = require("ffi")
local core = require("weir.core")
local tls = require("weir.tls")

-- Two types, so that neither passes for the other: the FFI takes structs with the same fields for
-- one.
local chain_type = ffi.typeof("struct { uint32_t n; char chain[?]; }")
local key_type = ffi.typeof("struct { uint32_t n; char key[?]; }")

local credentials = {}

--- A certificate chain, leaf first.
-- @tparam string pem
-- @treturn cdata|nil
-- @treturn nil|string
function credentials.chain(pem)
  local certificates, err = core.x509_info(pem)
  if not certificates then
    return nil, err
  elseif #certificates == 0 then
    return nil, "no certificate in the PEM text"
  end
  local object = chain_type(#pem, #pem)
  ffi.copy(object.chain, pem, #pem)
  return object
end

--- A private key. What is wrong with it shows when it is paired with its certificate.
-- @tparam string pem
-- @treturn cdata|nil
-- @treturn nil|string
function credentials.key(pem)
  if not pem:find("%-%-%-%-%-BEGIN [%u ]*PRIVATE KEY%-%-%-%-%-") then
    return nil, "no private key in the PEM text"
  end
  local object = key_type(#pem, #pem)
  ffi.copy(object.key, pem, #pem)
  return object
end

function credentials.is_chain(value)
  return ffi.istype(chain_type, value)
end

function credentials.is_key(value)
  return ffi.istype(key_type, value)
end

-- chain -> bundle
local bundles = setmetatable({}, { __mode = "k" })

--- The bundle that a chain's certificates make, whatever their order.
-- @treturn cdata|nil
-- @treturn nil|string
function credentials.bundle(chain)
  local bundle = bundles[chain]
  if not bundle then
    local err
    bundle, err = tls.trust({ ffi.string(chain.chain, chain.n) })
    if not bundle then
      return nil, err
    end
    bundles[chain] = bundle
  end
  return bundle
end

-- chain -> { key, credential }: plugins parse once and set for each request.
local made = setmetatable({}, { __mode = "k" })

--- The credential of a chain and its key.
-- @treturn cdata|nil
-- @treturn nil|string
function credentials.of(chain, key)
  local pair = made[chain]
  if pair and pair[1] == key then
    return pair[2]
  end
  local credential, err = tls.credential(ffi.string(chain.chain, chain.n),
    ffi.string(key.key, key.n))
  if not credential then
    return nil, err
  end
  made[chain] = { key, credential }
  return credential
end

return credentials
