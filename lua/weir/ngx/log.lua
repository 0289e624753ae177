-- ngx.log. Levels are ngx_lua's numbers, which begin with STDERR; the core's begin with emerg.
local abi = require("weir.abi")

local C = abi.C
local tostring = tostring

local DEBUG = 8

local log = {}

--- Writes to the error log.
-- @tparam number level ngx.STDERR to ngx.DEBUG
-- @param ... values
function log.log(level, ...)
  if type(level) ~= "number" or level < 0 or level > DEBUG then
    error(("bad log level: %s"):format(tostring(level)), 2)
  end
  local core_level = math.max(level - 1, 0)
  if core_level > C.weir_log_level() then
    return
  end
  local info = debug.getinfo(2, "Sln")
  local parts = { ... }
  for i = 1, select("#", ...) do
    parts[i] = tostring(parts[i])
  end
  local line = ("[lua] %s:%d: %s%s"):format(info.short_src:match("[^/]+$") or info.short_src,
    info.currentline, info.name and info.name .. "(): " or "", table.concat(parts))
  C.weir_log(core_level, line, #line)
end

return log
