-- resty.openssl.hmac: what resty.openssl.mac is, without a choice of its kind. Plugins of an older
-- lua-resty-openssl use it.
local hash = require("weir.crypto.hash")

local hmac = require("weir.crypto.openssl_class")("hmac")

--- Makes one.
-- @tparam string key
-- @tparam ?string name of the digest, sha1 by default
-- @treturn table|nil
-- @treturn nil|string
function hmac.new(key, name)
  local state = hash.new(tostring(name or "sha1"), key)
  if not state then
    return nil, ('hmac.new: invalid digest type "%s"'):format(tostring(name))
  end
  return setmetatable({ state = state }, hmac)
end

return hmac
