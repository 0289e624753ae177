-- resty.random.
local core = require("weir.core")

return {
  _VERSION = "0.16",
  --- Random bytes, always strong ones.
  bytes = function(count)
    return core.random(count)
  end,
}
