-- Digests and HMACs by OpenSSL's names: of one text, or in pieces.
local ffi = require("ffi")
local abi = require("weir.abi")

local C = abi.C

local MOST = 64 -- bytes of the longest digest

local out = ffi.new("char[?]", MOST)

local Hash = {}
Hash.__index = Hash

local hash = {}

--- The digest of a text.
-- @tparam string name "md5", "sha256", …
-- @tparam string text
-- @tparam ?string key makes it an HMAC
-- @treturn string|nil nil when OpenSSL does not have it, or does not allow it
function hash.once(name, text, key)
  local n = C.weir_hash_once(name, #name, key and 1 or 0, key, key and #key or 0, text, #text, out)
  return n > 0 and ffi.string(out, n) or nil
end

--- A digest of what update() gets.
-- @tparam string name
-- @tparam ?string key makes it an HMAC
-- @treturn table|nil nil when OpenSSL does not have it, or does not allow it
function hash.new(name, key)
  local handle = C.weir_hash_new(name, #name, key and 1 or 0, key, key and #key or 0)
  if handle == nil then
    return nil
  end
  return setmetatable({ name = name, handle = ffi.gc(handle, C.weir_hash_free) }, Hash)
end

--- A key from a password (PBKDF2).
-- @tparam string name of the digest
-- @tparam string password
-- @tparam string salt
-- @tparam number iterations a million at most, for all blocks of the key together
-- @tparam number length of the key in bytes
-- @treturn string|nil
-- @treturn nil|string
function hash.pbkdf2(name, password, salt, iterations, length)
  local key = ffi.new("char[?]", length)
  if C.weir_hash_pbkdf2(name, #name, password, #password, salt, #salt, iterations, key, length) < 0
  then
    return nil, ffi.string(C.weir_error())
  end
  return ffi.string(key, length)
end

--- Adds a text.
-- @treturn boolean false when the digest has ended
function Hash:update(text)
  return C.weir_hash_add(self.handle, text, #text) == 0
end

--- The digest. Nothing can be added afterwards.
-- @treturn string|nil nil when it has ended before
function Hash:final()
  local n = C.weir_hash_end(self.handle, out)
  return n > 0 and ffi.string(out, n) or nil
end

--- Begins anew.
-- @treturn boolean
function Hash:reset()
  return C.weir_hash_reset(self.handle) == 0
end

return hash
