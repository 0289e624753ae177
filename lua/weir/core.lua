-- The core's functions that configuration code needs, with plain Lua arguments and results.
local ffi = require("ffi")
local abi = require("weir.abi")

local C = abi.C

-- Room for the certificates of most PEM texts; a larger bundle is read again with as much as it
-- needs.
local USUAL_CERTIFICATES = 16
local ERROR_SIZE = 256

local digest = ffi.new("char[20]")
local host_name = ffi.new("char[256]")
local error_text = ffi.new("char[?]", ERROR_SIZE)

local core = {}

--- SHA-1, for version 5 UUIDs.
-- @tparam string s
-- @treturn string 20 bytes
function core.sha1(s)
  C.weir_sha1(s, #s, digest)
  return ffi.string(digest, 20)
end

--- Cryptographically strong random bytes.
-- @tparam number n
-- @treturn string
function core.random(n)
  local out = ffi.new("char[?]", n)
  if C.weir_random(out, n) < 0 then
    error("the system gives no random bytes", 0)
  end
  return ffi.string(out, n)
end

-- A text is asked about several times while a file is loaded. Gone with the next collection.
local known = setmetatable({}, { __mode = "v" })

-- Reads a text into C structs; nil when it is not well-formed (error_text says why).
local function read_certificates(pem, room)
  local out = ffi.new("struct weir_x509_info[?]", room)
  local count = C.weir_x509_info(pem, #pem, out, room, error_text, ERROR_SIZE)
  if count > room then
    return read_certificates(pem, count)
  end
  return count >= 0 and out or nil, count
end

--- What the certificates of a PEM text say.
-- @tparam string pem
-- @treturn table|nil one entry per certificate, not to be changed: not_before, not_after (seconds
--   since the epoch), is_ca, subject, sha256 (hexadecimal, of the DER form)
-- @treturn nil|string what is wrong with the text
function core.x509_info(pem)
  if known[pem] then
    return known[pem]
  end
  local out, count = read_certificates(pem, USUAL_CERTIFICATES)
  if not out then
    return nil, ffi.string(error_text)
  end
  local list = {}
  for i = 0, count - 1 do
    list[i + 1] = {
      not_before = tonumber(out[i].not_before),
      not_after = tonumber(out[i].not_after),
      is_ca = out[i].is_ca ~= 0,
      subject = ffi.string(out[i].subject),
      sha256 = ffi.string(out[i].sha256),
    }
  end
  known[pem] = list
  return list
end

local detail = ffi.new("struct weir_x509_detail")

local DETAIL_TEXTS = {
  "key_type", "key_group", "signature", "serial", "sha256", "spki_sha256", "key_id",
  "issuer_key_id", "subject", "issuer", "names", "key_usage", "purposes",
}

--- All that people ask of the certificates of a PEM text.
-- @tparam string pem
-- @treturn table|nil one entry per certificate with the fields of struct weir_x509_detail; a text
--   that says nothing, no limit of the path length and an unknown key size are nil
-- @treturn nil|string what is wrong with the text
function core.x509_describe(pem)
  local list, count = {}, 1
  while #list < count do
    count = C.weir_x509_describe(pem, #pem, #list, detail)
    if count < 0 then
      return nil, ffi.string(C.weir_error())
    end
    local entry = {
      not_before = tonumber(detail.not_before),
      not_after = tonumber(detail.not_after),
      version = detail.version,
      is_ca = detail.is_ca ~= 0,
      path_length = detail.path_length >= 0 and detail.path_length or nil,
      key_bits = detail.key_bits > 0 and detail.key_bits or nil,
    }
    for _, name in ipairs(DETAIL_TEXTS) do
      local text = ffi.string(detail[name])
      entry[name] = text ~= "" and text or nil
    end
    list[#list + 1] = entry
  end
  return list
end

--- Whether a certificate (or chain, leaf first) and a private key, both PEM, belong together.
-- @tparam string cert
-- @tparam string key
-- @treturn true|nil
-- @treturn nil|string "certificate does not match key", "invalid key: …", "invalid certificate: …"
function core.keypair_check(cert, key)
  if C.weir_keypair_check(cert, #cert, key, #key, error_text, ERROR_SIZE) == 0 then
    return true
  end
  return nil, ffi.string(error_text)
end

--- Whether the router can compile a regular expression.
-- @tparam string pattern without the leading "~"
-- @treturn true|nil
-- @treturn nil|string PCRE2's message
function core.regex_check(pattern)
  if C.weir_regex_check(pattern, #pattern, error_text, ERROR_SIZE) == 0 then
    return true
  end
  return nil, ffi.string(error_text)
end

--- The name of a host in UTF-8 as DNS and certificates have it, in A-labels (xn--…).
-- @tparam string name
-- @treturn string|nil
-- @treturn nil|string why it has no such form
function core.host_ascii(name)
  if C.weir_host_ascii(name, #name, host_name, error_text, ERROR_SIZE) == 0 then
    return ffi.string(host_name)
  end
  return nil, ffi.string(error_text)
end

--- Versions of weir and of the libraries it runs with.
-- @treturn {table,...} { name = string, version = string } in the core's order
function core.versions()
  local out = ffi.new("char[?]", 1024)
  C.weir_version(out, 1024)
  local versions = {}
  for name, version in ffi.string(out):gmatch("(%S+) ([^\n]*)\n") do
    versions[#versions + 1] = { name = name, version = version }
  end
  return versions
end

return core
