-- What is said about a handler that failed.
local abi = require("weir.abi")
local bounds = require("weir.bounds")

local C = abi.C

local ERROR = 3 -- enum log_level

-- Bytes of an error's text, which may be as large as a plugin's memory: the rest has to fit into
-- the log's line.
local TEXT_MAX = 2048

local failure = {}

--- An error of any type as text. Asking for it runs code of the plugin, which may fail again.
-- @treturn string
function failure.text(err)
  if type(err) ~= "string" then
    local metatable = getmetatable(err)
    local ok, text = false, nil
    if type(metatable) == "table" and rawget(metatable, "__tostring") then
      ok, text = pcall(tostring, err)
    end
    err = ok and type(text) == "string" and text or "error object of type " .. type(err)
  end
  if #err > TEXT_MAX then
    err = ("%s... (%d bytes)"):format(err:sub(1, TEXT_MAX), #err)
  end
  return err
end

--- Calls a function of a plugin within bounds, in which an error becomes a text, too.
-- @treturn boolean whether it did not fail
-- @return its results, or the text
function failure.call(fn, ...)
  return bounds.xpcall(fn, failure.text, ...)
end

--- The message handler of protected calls: the error as text, with the stack it came from.
function failure.traceback(err)
  return debug.traceback(failure.text(err), 2)
end

--- Logs a failure. The place where the error was raised comes first, as Kong's log lines have it
-- after "[kong]". Whatever the plugin has used up, there is time and memory for that.
-- @tparam ?table record of the plugin
-- @tparam string what it was doing
-- @tparam string message
function failure.report(record, what, message)
  local before = C.weir_bounds_switch(0)
  if message == "not enough memory" then
    message = bounds.memory_error()
  end
  local place = message:match("([^/%s]+:%d+): ") or "worker.lua"
  local line = ("[kong] %s [%s] %s: %s"):format(place, record and record.name or "-", what, message)
  C.weir_log(ERROR, line, #line)
  C.weir_bounds_switch(before)
end

return failure
