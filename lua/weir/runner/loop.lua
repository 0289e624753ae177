-- Runs the handlers of one phase: compiled code of its own for each phase, since a module that is
-- loaded anew is compiled anew.
--
-- Compiled code of a loop finds the handler that it has come to by going through all that it ever
-- came to. Here these are the handlers of one phase.
local abi = require("weir.abi")
local current = require("weir.pdk.current")
local failure = require("weir.runner.failure")
local tries = require("weir.runner.try")

local LOG, BALANCER = abi.C.WEIR_PHASE_LOG, abi.C.WEIR_PHASE_BALANCER
local report, traceback = failure.report, failure.traceback

--- Makes the functions of a phase.
-- @tparam number phase WEIR_PHASE_…
-- @treturn table run(chain) and step(record, fn, handler, conf)
return function(phase)
  local loop = {}

  --- Runs one handler.
  -- @treturn true|nil true when it fails
  function loop.step(record, fn, handler, conf, more)
    current.plugin = record
    local ok, err = xpcall(fn, traceback, handler, conf, more)
    if not ok then
      report(record, abi.phases[phase], err)
      return true
    end
  end

  local step = loop.step

  --- Runs a chain. The failure of a handler is the request's, but for the log phase: a request's
  -- log entries are independent of each other.
  -- @treturn true|nil true when one failed
  function loop.run(chain)
    local more = phase == BALANCER and tries.current() or nil
    local failed
    local at = 1
    repeat
      if step(chain[at + 3], chain[at], chain[at + 1], chain[at + 2], more) then
        failed = true
        if phase ~= LOG then
          break
        end
      end
      at = at + 4
    until chain[at] == nil
    return failed
  end

  return loop
end
