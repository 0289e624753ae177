-- The functions that run handlers: a step for each handler, and a line of steps for each chain.
--
-- Compiled code belongs to a function's text, and follows the way that was taken through it. In a
-- loop over handlers it would find the one that it has come to by going through all that it ever
-- came to, and know nothing any more of what it has read for the one before. So a line is written
-- out, as many steps as there are, and lines and steps get a text of their own each time. A line
-- becomes one piece of machine code; where one of its handlers cannot be compiled, the steps of the
-- others are compiled by themselves.
local abi = require("weir.abi")
local bounds = require("weir.bounds")
local current = require("weir.pdk.current")
local failure = require("weir.runner.failure")
local tries = require("weir.runner.try")

local LOG, BALANCER = abi.C.WEIR_PHASE_LOG, abi.C.WEIR_PHASE_BALANCER

local line = {}

-- Those in use, by phase and functions.
local steps = setmetatable({}, { __mode = "v" })
local lines = setmetatable({}, { __mode = "v" })

local function compile(text, ...)
  return assert(bounds.load_own(text, "=line"))(...)
end

-- ---- steps

local STEP = [[
local fn, phase, begin, traceback, report = ...
return function(record, handler, conf, more)
  begin(record)
  local ok, err = xpcall(fn, traceback, handler, conf, more)
  if not ok then
    report(record, phase, err)
    return true
  end
end
]]

--- The function that runs a handler.
-- @tparam number phase WEIR_PHASE_…
-- @tparam function fn the handler's function of that phase
-- @treturn function called with record, handler, conf and an argument more; gives true when it
--   failed, which is logged then
function line.step(phase, fn)
  local key = phase .. tostring(fn)
  local step = steps[key]
  if not step then
    step = compile(STEP, fn, abi.phases[phase], current.begin, failure.traceback, failure.report)
    steps[key] = step
  end
  return step
end

-- ---- lines

local HEAD = [[
local tried = ...
return function(chain)
  local more = tried and tried()
  local failed
]]

-- The failure of a handler is the request's, and ends the chain...
local CALL = [[
  if chain[%d](chain[%d], chain[%d], chain[%d], more) then return true end
]]

-- ... but for the log phase: a request's log entries are independent of each other.
local CALL_IN_LOG = [[
  failed = chain[%d](chain[%d], chain[%d], chain[%d], more) or failed
]]

local TAIL = [[
  return failed
end
]]

local function text_of(phase, chain)
  local call = phase == LOG and CALL_IN_LOG or CALL
  local parts = { HEAD }
  for at = 1, #chain, 4 do
    parts[#parts + 1] = call:format(at, at + 1, at + 2, at + 3)
  end
  parts[#parts + 1] = TAIL
  return table.concat(parts)
end

local function key_of(phase, chain)
  local parts = { phase }
  for at = 1, #chain, 4 do
    parts[#parts + 1] = tostring(chain[at])
  end
  return table.concat(parts, " ")
end

--- The function that runs a chain, the same one for chains of the same steps.
-- @tparam number phase WEIR_PHASE_…
-- @tparam table chain as weir.runner.chains makes it
-- @treturn function called with the chain; gives true when a handler failed
function line.of(phase, chain)
  local key = key_of(phase, chain)
  local run = lines[key]
  if not run then
    run = compile(text_of(phase, chain), phase == BALANCER and tries.current or nil)
    lines[key] = run
  end
  return run
end

return line
