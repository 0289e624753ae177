-- resty.openssl.digest: a digest of OpenSSL's, in pieces.
local hash = require("weir.crypto.hash")

local digest = require("weir.crypto.openssl_class")("digest")

--- Makes one.
-- @tparam ?string name "sha1" if nil
-- @treturn table|nil
-- @treturn nil|string
function digest.new(name)
  name = name or "sha1"
  local state = hash.new(name)
  if not state then
    return nil, ('digest.new: invalid digest type "%s"'):format(name)
  end
  return setmetatable({ name = name, state = state }, digest)
end

return digest
