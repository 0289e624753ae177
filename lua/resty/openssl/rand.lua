-- resty.openssl.rand.
local core = require("weir.core")

return {
  --- Random bytes, strong enough for keys.
  -- @tparam number count
  -- @treturn string|nil
  -- @treturn nil|string
  bytes = function(count)
    if type(count) ~= "number" then
      return nil, "rand.bytes: expect a number at #1"
    end
    return core.random(count)
  end,
}
