-- What runs in a phase, flat: { step, record, handler, conf, … } in the order of execution, and as
-- `run` the function that runs it (weir.runner.line); in `rests` what rest() has made of it.

local bit = require("bit")
local abi = require("weir.abi")
local line = require("weir.runner.line")

local chains = {}

--- What a plugin runs in a phase.
-- @tparam table|false record of the plugin
-- @tparam number phase WEIR_PHASE_…
-- @treturn function|nil nil when its configuration has nothing to run
function chains.handler_of(record, phase)
  if record and bit.band(record.phases, bit.lshift(1, phase)) ~= 0 then
    return record.handler[abi.phases[phase]]
  end
end

local function finish(phase, chain)
  if chain[1] then
    chain.run = line.of(phase, chain)
    return chain
  end
end

--- A chain of the handlers that have something to run in a phase.
-- @tparam number phase WEIR_PHASE_…
-- @tparam table records list of plugin records, false where none is to run
-- @treturn table|nil nil when there is nothing to run
function chains.make(phase, records)
  local chain = {}
  for _, record in ipairs(records) do
    local fn = chains.handler_of(record, phase)
    if fn then
      local at = #chain
      chain[at + 1], chain[at + 2], chain[at + 3], chain[at + 4] =
        line.step(phase, fn), record, record.handler, record.conf
    end
  end
  return finish(phase, chain)
end

--- What of a chain comes behind a plugin's handler, made once: handlers leave again and again, and
-- each line is a new text to compile.
-- @tparam number phase WEIR_PHASE_…
-- @tparam table chain
-- @tparam table record of the plugin
-- @treturn table|nil nil when nothing does
function chains.rest(phase, chain, record)
  chain.rests = chain.rests or {}
  local rest = chain.rests[record]
  if rest == nil then
    local at = 1
    while chain[at + 1] ~= record do
      at = at + 4
    end
    rest = finish(phase, { unpack(chain, at + 4) }) or false
    chain.rests[record] = rest
  end
  return rest or nil
end

--- Chains of one phase for many plans; plans with the same plugins share them.
-- @tparam number phase WEIR_PHASE_…
-- @tparam table records all of a configuration's
-- @tparam table lists plan -> list of indices into `records`
-- @treturn table plan -> chain
function chains.of_plans(phase, records, lists)
  local made, of_plans = {}, {}
  for plan, indices in pairs(lists) do
    local key = table.concat(indices, ",")
    if made[key] == nil then
      local own = {}
      for i, index in ipairs(indices) do
        own[i] = records[index]
      end
      made[key] = chains.make(phase, own) or false
    end
    of_plans[plan] = made[key] or nil
  end
  return of_plans
end

return chains
