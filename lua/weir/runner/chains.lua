-- What runs in a phase, flat: { function, handler, conf, record, … } in the order of execution, so
-- that running it is one short loop that compiles.

local chains = {}

--- A chain of the handlers that implement a phase.
-- @tparam string phase its name
-- @tparam table records list of plugin records, false where none is to run
-- @treturn table|nil nil when no handler implements it
function chains.make(phase, records)
  local chain = {}
  for _, record in ipairs(records) do
    local fn = record and record.handler[phase]
    if fn then
      local at = #chain
      chain[at + 1], chain[at + 2], chain[at + 3], chain[at + 4] =
        fn, record.handler, record.conf, record
    end
  end
  return chain[1] and chain or nil
end

--- Chains of one phase for many plans; plans with the same plugins share them.
-- @tparam string phase
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
