-- ngx.errlog: lines of the error log that look as their writer wants.
local abi = require("weir.abi")

local C = abi.C

local errlog = {}

-- ngx_lua's levels begin with STDERR, the core's with emerg.
local STDERR, DEBUG = 0, 8

--- Writes a text as it is.
-- @tparam number level ngx.STDERR to ngx.DEBUG
-- @tparam string text
function errlog.raw_log(level, text)
  if type(level) ~= "number" or level < STDERR or level > DEBUG then
    error("bad argument #1 to 'raw_log' (must be between 0 and 8)", 2)
  elseif type(text) ~= "string" then
    error("bad argument #2 to 'raw_log' (must be a string)", 2)
  end
  C.weir_log(math.max(level - 1, 0), text, #text)
end

--- The level that the log goes to.
-- @treturn number ngx.EMERG to ngx.DEBUG
function errlog.get_sys_filter_level()
  return C.weir_log_level() + 1
end

return errlog
