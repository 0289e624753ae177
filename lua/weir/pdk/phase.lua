-- Which functions may be called when. Plugins count on Kong's rules and on its error texts.
local bit = require("bit")
local abi = require("weir.abi")

local band, bor = bit.band, bit.bor
local turn = abi.turn

-- Kong's phases in the order of its numbers, which is the order of the names in messages, and
-- weir's own.
local NAMES = {
  "init_worker", "certificate", "client_hello", "rewrite", "access", "balancer", "response",
  "header_filter", "body_filter", "log", "preread", "error", "admin_api", "upstream_verify",
  "timer",
}

-- The core's, then those that it does not run.
local BITS = { timer = bit.lshift(1, abi.C.WEIR_PHASE_TIMER) }
for number, name in pairs(abi.phases) do
  BITS[name] = bit.lshift(1, number)
end
for i, name in ipairs({ "init_worker", "client_hello", "preread", "error", "admin_api" }) do
  BITS[name] = bit.lshift(1, #abi.phases + i)
end

local phase = {}

--- A set of phases.
-- @tparam string ... names
-- @treturn number
function phase.set(...)
  local set = 0
  for _, name in ipairs({ ... }) do
    set = bor(set, BITS[name])
  end
  return set
end

--- Everything that happens while a request is served.
phase.REQUEST = phase.set("rewrite", "access", "balancer", "response", "header_filter",
  "body_filter", "log", "error", "admin_api")

--- From the moment the route is known.
phase.ROUTED = phase.set("access", "response", "header_filter", "body_filter", "log")

--- What looks at the response.
phase.RESPONSE = phase.set("response", "header_filter", "body_filter", "log", "error", "admin_api")

--- What may change the head of the response.
phase.HEAD = phase.set("rewrite", "access", "balancer", "response", "header_filter", "error",
  "admin_api")

local INIT_WORKER = BITS.init_worker

-- Outside of requests there are init_worker and configure, which Kong runs in the same phase.
local function current_bit()
  local now = turn.phase
  return now ~= 0 and now or INIT_WORKER
end

local function names_of(set)
  local names = {}
  for _, name in ipairs(NAMES) do
    if band(set, BITS[name]) ~= 0 then
      names[#names + 1] = name
    end
  end
  return table.concat(names, ", ")
end

--- Raises an error in the caller of the PDK function unless its phase is one of a set.
-- @tparam number set
function phase.check(set)
  local now = current_bit()
  if band(set, now) == 0 then
    error(("function cannot be called in %s phase (only in: %s)"):format(names_of(now),
      names_of(set)), 3)
  end
end

-- In upstream_verify there is a request, which the plugins are not to look at.
local NO_REQUEST = bor(BITS.init_worker, BITS.upstream_verify, BITS.timer)

--- Like check(), for functions that only need a request.
function phase.check_not_init()
  local now = current_bit()
  if band(NO_REQUEST, now) ~= 0 then
    error(("function cannot be called in %s phase (can be called in any phases except: %s)")
      :format(names_of(now), names_of(bor(BITS.init_worker, now))), 3)
  end
end

--- Whether the current phase is one of a set.
-- @tparam number set
-- @treturn boolean
function phase.is(set)
  return band(set, current_bit()) ~= 0
end

--- The name of the current phase.
-- @treturn string
function phase.name()
  return names_of(current_bit())
end

return phase
