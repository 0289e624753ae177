-- Which configurations run for a request, on plans where consumers have some of their own.
--
-- Each plugin's is chosen when its turn in access comes, for the consumer that is known by then:
-- what authenticates changes the choice for those that come later. What was chosen holds for the
-- phases after access.
--
-- A choice is a list of plugin records in the order of execution, false for a plugin that does not
-- run, with its chains. It is made once for all requests that come to it in the same way.
local chains = require("weir.runner.chains")
local current = require("weir.pdk.current")

local choice = {}

-- Nobody, or somebody without an id.
local NOBODY = ""

-- A configuration may have thousands of consumers on thousands of routes. What is known is
-- forgotten when it is this much, and made again where it is needed.
local KNOWN_MAX = 4096

-- The key of a request's { options, chosen, turn } in current.ctx().
local STATE = {}

local Options = {}
Options.__index = Options

local function child(t, key)
  local found = t[key]
  if not found then
    found = {}
    t[key] = found
  end
  return found
end

-- The index of the configuration that a plugin has for a consumer.
local function index_for(item, consumers, consumer)
  for i = 2, #item do
    local index = consumers[item[i]][consumer]
    if index then
      return index
    end
  end
  return item[1]
end

-- The choice of these indices, the same table for the same ones.
function Options:intern(indices)
  local interned = child(self.known.interned, self)
  local key = table.concat(indices, ",")
  local chosen = interned[key]
  if not chosen then
    chosen = { indices = indices, chains = {} }
    for i, index in ipairs(indices) do
      chosen[i] = self.records[index] or false
    end
    interned[key] = chosen
  end
  return chosen
end

-- What is chosen when plugins after `turn` run for another consumer than those up to it.
function Options:choose(chosen, turn, consumer)
  local indices = {}
  for i, item in ipairs(self.items) do
    indices[i] = i <= turn and chosen.indices[i] or index_for(item, self.consumers, consumer)
  end
  return self:intern(indices)
end

-- The same, remembered.
function Options:after(chosen, turn, consumer)
  local known = self.known
  if known.count >= KNOWN_MAX then
    known.count, known.after, known.interned = 0, {}, {}
  end
  local of_turn = child(child(known.after, chosen), turn)
  local found = of_turn[consumer]
  if not found then
    found = self:choose(chosen, turn, consumer)
    of_turn[consumer] = found
    known.count = known.count + 1
  end
  return found
end

--- The options of a configuration's plans.
-- @tparam table blob plugins, choices, consumers as weir.compile.blob describes them
-- @treturn table plan -> options
function choice.of_plans(blob)
  local known = { count = 0, after = {}, interned = {} }
  local of_plans = {}
  for plan, items in pairs(blob.choices) do
    local options = setmetatable({
      items = items, consumers = blob.consumers, records = blob.plugins, known = known,
    }, Options)
    options.nobody = options:choose({}, 0, NOBODY)
    of_plans[plan] = options
  end
  return of_plans
end

--- What the current request has come to, the choice for nobody at first.
-- @tparam table options of its plan
-- @treturn table the request's { chosen, turn = the plugin whose turn it is in access }
function choice.state(options)
  local state = current.ctx(STATE)
  if not state.options then
    state.options, state.chosen, state.turn = options, options.nobody, 0
  end
  return state
end

--- What the current request runs in a phase after access.
-- @tparam table options of its plan
-- @tparam number phase WEIR_PHASE_…
-- @treturn table|nil a chain, as weir.runner.chains makes it
function choice.chain(options, phase)
  local chosen = choice.state(options).chosen
  local chain = chosen.chains[phase]
  if chain == nil then
    chain = chains.make(phase, chosen) or false
    chosen.chains[phase] = chain
  end
  return chain or nil
end

--- The consumer of the current request is another from here on.
-- @tparam ?string id nil: nobody
function choice.authenticated(id)
  local state = current.ctx(STATE)
  if state and state.options then
    state.chosen = state.options:after(state.chosen, state.turn, id or NOBODY)
  end
end

return choice
