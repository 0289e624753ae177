-- resty.openssl.mac: message authentication codes. HMAC is the only kind.
local hash = require("weir.crypto.hash")

local mac = require("weir.crypto.openssl_class")("mac")

--- Makes one.
-- @tparam string key
-- @tparam string kind "HMAC"
-- @param _ the cipher of other kinds
-- @tparam string name of the digest
-- @treturn table|nil
-- @treturn nil|string
function mac.new(key, kind, _, name)
  if tostring(kind):upper() ~= "HMAC" then
    return nil, ('mac.new: invalid mac type "%s"'):format(tostring(kind))
  end
  local state = hash.new(tostring(name), key)
  if not state then
    return nil, ('mac.new: invalid digest type "%s"'):format(tostring(name))
  end
  return setmetatable({ state = state }, mac)
end

return mac
