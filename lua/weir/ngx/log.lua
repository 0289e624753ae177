-- ngx.log.
local abi = require("weir.abi")

local C = abi.C
local tostring = tostring

local log = {}

--- Writes to the error log.
-- @tparam number level ngx.EMERG to ngx.DEBUG
-- @param ... values
function log.log(level, ...)
  if level > C.weir_log_level() then
    return
  end
  local info = debug.getinfo(2, "Sln")
  local parts = { ... }
  for i = 1, select("#", ...) do
    parts[i] = tostring(parts[i])
  end
  local line = ("[lua] %s:%d: %s%s"):format(info.short_src:match("[^/]+$") or info.short_src,
    info.currentline, info.name and info.name .. "(): " or "", table.concat(parts))
  C.weir_log(level, line, #line)
end

return log
