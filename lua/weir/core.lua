-- The core's functions that configuration code needs, with plain Lua arguments and results.
local ffi = require("ffi")
local abi = require("weir.abi")

local C = abi.C

-- A PEM text of more certificates than this is no certificate chain; how many there are is still
-- counted.
local MAX_CERTIFICATES = 64
local ERROR_SIZE = 256

local digest = ffi.new("char[20]")
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
  C.weir_random(out, n)
  return ffi.string(out, n)
end

--- What the certificates of a PEM text say.
-- @tparam string pem
-- @treturn table|nil one entry per certificate: not_before, not_after (seconds since the epoch),
--   is_ca, subject, sha256 (hexadecimal, of the DER form)
-- @treturn nil|string what is wrong with the text
function core.x509_info(pem)
  local out = ffi.new("struct weir_x509_info[?]", MAX_CERTIFICATES)
  local count = C.weir_x509_info(pem, #pem, out, MAX_CERTIFICATES, error_text, ERROR_SIZE)
  if count < 0 then
    return nil, ffi.string(error_text)
  end
  local list = {}
  for i = 0, math.min(count, MAX_CERTIFICATES) - 1 do
    list[i + 1] = {
      not_before = tonumber(out[i].not_before),
      not_after = tonumber(out[i].not_after),
      is_ca = out[i].is_ca ~= 0,
      subject = ffi.string(out[i].subject),
      sha256 = ffi.string(out[i].sha256),
    }
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
