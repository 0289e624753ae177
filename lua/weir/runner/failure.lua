-- What is said about a handler that failed.
local abi = require("weir.abi")

local C = abi.C

local ERROR = 3 -- enum log_level

local failure = {}

--- The message handler of protected calls: the error as text, with the stack it came from.
function failure.traceback(err)
  if type(err) ~= "string" then
    local text = (getmetatable(err) or {}).__tostring and tostring(err)
    err = text or ("error object of type " .. type(err))
  end
  return debug.traceback(err, 2)
end

--- Logs a failure. The place where the error was raised comes first, as Kong's log lines have it
-- after "[kong]".
-- @tparam ?table record of the plugin
-- @tparam string what it was doing
-- @tparam string message
function failure.report(record, what, message)
  local place = message:match("([^/%s]+:%d+): ") or "worker.lua"
  local line = ("[kong] %s [%s] %s: %s"):format(place, record and record.name or "-", what, message)
  C.weir_log(ERROR, line, #line)
end

return failure
