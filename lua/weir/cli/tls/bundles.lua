-- Trust bundles, kept for as long as they keep being asked for: thousands of chains are judged
-- against a few of them.
local tls = require("weir.tls")

local KEEP = 64

local bundles = {}

local kept, count = {}, 0

--- The bundle of these PEM texts.
-- @tparam table pems list
-- @treturn cdata|nil handle
-- @treturn nil|string
function bundles.of(pems)
  local key = table.concat(pems, "\0")
  if kept[key] then
    return kept[key]
  end
  local handle, err = tls.trust(pems)
  if not handle then
    return nil, err
  end
  if count == KEEP then
    kept, count = {}, 0
  end
  kept[key], count = handle, count + 1
  return handle
end

return bundles
