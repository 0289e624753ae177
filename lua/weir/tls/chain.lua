-- The certificates of an upstream as plugins see them in upstream_verify: { leaf, …, anchor }.
--
-- A field of a certificate is read when a plugin asks for it, out of the handshake that is going
-- on, and only then: a certificate that a plugin kept for later is a mistake and says so.
local ffi = require("ffi")
local abi = require("weir.abi")

local C = abi.C
local rawset = rawset

local chain = {}

-- Chains so far, and the one that is being judged, nil in between.
local count, live = 0, nil

-- certificate -> { the number of its chain, its index in the core }; nothing here leads back to the
-- certificate, which would keep it
local places = setmetatable({}, { __mode = "k" })

local about = ffi.new("struct weir_chain")
local detail = ffi.new("struct weir_x509_detail")
local text = ffi.new("struct weir_str")

-- ---- reading

local TEXTS = {
  pem = C.WEIR_CERT_PEM, der = C.WEIR_CERT_DER, subject = C.WEIR_CERT_SUBJECT,
  issuer = C.WEIR_CERT_ISSUER,
}

-- Fields of struct weir_x509_detail that are never cut.
local DETAILS = {
  not_before = tonumber, not_after = tonumber, version = tonumber, key_bits = tonumber,
  sha256 = ffi.string, spki_sha256 = ffi.string, serial = ffi.string, key_type = ffi.string,
  key_group = ffi.string, signature = ffi.string, key_id = ffi.string, issuer_key_id = ffi.string,
  is_ca = function(value) return value ~= 0 end,
  path_length = function(value) return value >= 0 and tonumber(value) or nil end,
}

-- As struct weir_name has them.
local KINDS = { "dns", "ip", "uri", "email" }

local function read_text(index, field)
  if C.weir_chain_text(index, TEXTS[field], text) < 0 then
    error(("the %s of certificate %d cannot be read"):format(field, index + 1), 0)
  end
  return ffi.string(text.p, text.n)
end

local function read_detail(index, field)
  if C.weir_chain_detail(index, detail) < 0 then
    error(("certificate %d cannot be read"):format(index + 1), 0)
  end
  return DETAILS[field](detail[field])
end

local function read_names(index)
  local room, found = 0, 16
  local list
  while found > room do
    room = found
    list = ffi.new("struct weir_name[?]", room)
    found = C.weir_chain_names(index, list, room)
  end
  local names = { dns = {}, ip = {}, uri = {}, email = {} }
  for i = 0, found - 1 do
    local of_kind = names[KINDS[list[i].kind]]
    of_kind[#of_kind + 1] = ffi.string(list[i].value.p, list[i].value.n)
  end
  return names
end

local function reader_of(field)
  return TEXTS[field] and read_text or DETAILS[field] and read_detail
    or field == "names" and read_names or nil
end

local Certificate = {}

function Certificate.__index(certificate, field)
  local read = reader_of(field)
  if not read then
    return nil
  end
  local place = places[certificate]
  if place.chain ~= live then
    error("a certificate can only be read while upstream_verify runs", 2)
  end
  local value = read(place.index, field)
  rawset(certificate, field, value)
  return value
end

-- ---- chains

local function slice(s)
  return s.n > 0 and ffi.string(s.p, s.n) or nil
end

--- The chain that is being judged, anew for each plugin: what one does to it is not seen by the
-- next.
-- @treturn table list of certificates, the leaf first; `verified`: whether it is a verified path,
-- whose last certificate is `anchor`, else what the upstream sent; `peer`: { name, sni, ip, port }
function chain.open()
  if C.weir_chain(about) < 0 then
    error("no upstream is being judged", 0)
  end
  local opened = {
    verified = about.verified ~= 0,
    peer = {
      name = slice(about.name), sni = slice(about.sni), ip = slice(about.ip), port = about.port,
    },
  }
  count = count + 1
  live = count
  for i = 1, about.certificates do
    opened[i] = setmetatable({}, Certificate)
    places[opened[i]] = { chain = count, index = i - 1 }
  end
  opened.anchor = opened.verified and opened[#opened] or nil
  return opened
end

--- The judging is over.
function chain.close()
  live = nil
end

return chain
