-- The entry of a worker's VM: makes plugin chains of a configuration, and runs them, a phase at a
-- time.
--
-- core/vm/vm.c calls adopt() and retire() for configurations, run() for each phase of a request
-- that has plugins in it, release() when the request ends.
--
-- A chain is flat, { function, handler, conf, record, … } in the order of execution, so that
-- running it is one short loop that compiles; plans with the same plugins share their chains.

local buffer = require("string.buffer")
local abi = require("weir.abi")
local certificates = require("weir.chain")
local current = require("weir.pdk.current")
local loader = require("weir.loader")
local pdk = require("weir.pdk")
local traces = require("weir.traces")
local tries = require("weir.try")

local C = abi.C

local REWRITE, LOG = C.WEIR_PHASE_REWRITE, C.WEIR_PHASE_LOG
local UPSTREAM_VERIFY, BALANCER = C.WEIR_PHASE_UPSTREAM_VERIFY, C.WEIR_PHASE_BALANCER
local ERROR, WARN = 3, 4 -- enum log_level

local worker = {}

-- serial -> generation: { serial, settings, entities, plans, records, [phase] = { [plan] = chain }
-- }
local generations = {}
local newest

-- Handlers by module, and in Kong's order; those that init_worker was called for.
local handlers, ordered, started = {}, {}, {}

traces.start(function(text)
  C.weir_log(WARN, text, #text)
end)

-- ---- running

-- Logs a failed handler. `place` is where the error was raised, as Kong's log lines have it after
-- "[kong]".
local function report(record, what, message)
  local place = message:match("([^/%s]+:%d+): ") or "worker.lua"
  local line = ("[kong] %s [%s] %s: %s"):format(place, record and record.name or "-", what, message)
  C.weir_log(ERROR, line, #line)
end

local function traceback(err)
  if type(err) ~= "string" then
    local text = (getmetatable(err) or {}).__tostring and tostring(err)
    err = text or ("error object of type " .. type(err))
  end
  return debug.traceback(err, 2)
end

--- Runs the handlers of one phase.
-- @tparam number serial of the configuration that the request began with
-- @tparam number phase WEIR_PHASE_…
-- @tparam number plan
-- @tparam number slot the request's place
-- @treturn true|nil true when a handler failed; what was wrong is logged then
function worker.run(serial, phase, plan, slot)
  local generation = generations[serial]
  local chain = generation[phase][plan]
  if not chain then
    return nil
  end
  current.generation, current.phase, current.slot = generation, phase, slot
  local try = phase == BALANCER and tries.current() or nil
  local failed
  local at = 1
  repeat
    local record = chain[at + 3]
    current.plugin = record
    local ok, err = xpcall(chain[at], traceback, chain[at + 1], chain[at + 2], try)
    if not ok then
      report(record, abi.phases[phase], err)
      failed = true
      -- A request's log entries are independent of each other; in every other phase the request has
      -- failed.
      if phase ~= LOG then
        break
      end
    end
    at = at + 4
  until chain[at] == nil
  current.plugin, current.slot = nil, 0
  return failed
end

-- What a handler of upstream_verify said: nil when it accepts. Only `true` and nothing at all do.
local function refusal(ok, verdict, reason)
  if not ok then
    return "it failed"
  elseif verdict == true or (verdict == nil and reason == nil) then
    return nil
  elseif verdict == false or verdict == nil then
    return type(reason) == "string" and reason or "no reason given"
  end
  return ("it returned a %s, which is no verdict"):format(type(verdict))
end

-- Asks one plugin. A failure refuses, too, and is logged.
local function ask(record, fn, handler, conf)
  current.plugin = record
  local ok, verdict, reason = xpcall(fn, traceback, handler, conf, certificates.open())
  certificates.close()
  current.plugin = nil
  if not ok then
    report(record, abi.phases[UPSTREAM_VERIFY], verdict)
  end
  local why = refusal(ok, verdict, reason)
  return why and ("refused by plugin '%s': %s"):format(record.name, why)
end

--- Asks the plugins of a plan about an upstream's certificates, in their order; the first refusal
-- counts. The request that waits for the upstream is not there for them: the verdict counts for
-- whoever will use the connection.
-- @tparam number serial of the configuration that the request began with
-- @tparam number plan
-- @treturn true|string true when all accept, else who refuses, and why
function worker.judge(serial, plan)
  local generation = generations[serial]
  local chain = generation[UPSTREAM_VERIFY][plan]
  if not chain then
    return "no plugin answers for the policy"
  end
  current.generation, current.phase, current.slot = generation, UPSTREAM_VERIFY, 0
  for at = 1, #chain, 4 do
    local why = ask(chain[at + 3], chain[at], chain[at + 1], chain[at + 2])
    if why then
      return why
    end
  end
  return true
end

--- Names the handler that gave up control where nobody waits. The core drops it afterwards.
-- @tparam number phase
function worker.stray_yield(phase)
  report(current.plugin, abi.phases[phase], "attempt to yield, with nothing to wait for")
end

--- The request in `slot` is over.
worker.release = current.release

-- ---- adopting

-- Higher priorities first; of equal ones, names that sort later.
local function runs_before(a, b)
  local x, y = a.handler.PRIORITY or 0, b.handler.PRIORITY or 0
  if x ~= y then
    return x > y
  end
  return a.name > b.name
end

local function load_handler(record)
  if handlers[record.module] then
    return true
  end
  local ok, handler = pcall(require, record.module)
  if not ok then
    return nil, handler
  end
  handlers[record.module] = handler
  ordered[#ordered + 1] = { name = record.name, module = record.module, handler = handler }
  table.sort(ordered, runs_before)
  return true
end

-- The conf table of the generation before serves on when its content is the same: what a plugin
-- keeps by it stays valid.
local function conf_of(record)
  local old = newest and newest.records[record.id]
  if old and old.hash == record.hash then
    return old.conf
  end
  local conf = record.conf
  conf.__plugin_id = record.id
  conf.plugin_instance_name = record.instance_name
  conf.service_id = record.service
  conf.route_id = record.route
  return conf
end

-- A chain of the handlers that implement a phase, nil when none does.
local function make_chain(phase, records, indices)
  local chain = {}
  for _, index in ipairs(indices) do
    local record = records[index]
    local handler = handlers[record.module]
    local fn = handler[phase]
    if fn then
      local at = #chain
      chain[at + 1], chain[at + 2], chain[at + 3], chain[at + 4] = fn, handler, record.conf, record
    end
  end
  return chain[1] and chain or nil
end

-- Chains of one phase for all plans.
local function make_chains(phase, records, lists)
  local made, chains = {}, {}
  for plan, indices in pairs(lists) do
    local key = table.concat(indices, ",")
    if made[key] == nil then
      made[key] = make_chain(phase, records, indices) or false
    end
    chains[plan] = made[key] or nil
  end
  return chains
end

local function make_generation(blob, serial)
  local generation = {
    serial = serial,
    settings = blob.settings,
    entities = blob.entities,
    plans = blob.plans,
    services = blob.services,
    effective = blob.effective,
    list = blob.plugins,
    records = {},
  }
  for _, record in ipairs(blob.plugins) do
    local ok, err = load_handler(record)
    if not ok then
      return nil, err
    end
    record.conf = conf_of(record)
    generation.records[record.id] = record
  end
  -- Before the route is known a request is under the plan of those without one.
  generation[REWRITE] = { [0] = make_chain(abi.phases[REWRITE], blob.plugins, blob.rewrite) }
  for phase = REWRITE + 1, #abi.phases do
    generation[phase] = make_chains(abi.phases[phase], blob.plugins, blob.chains)
  end
  return generation
end

-- Calls an optional function of a handler outside of requests; a failure is the plugin's own
-- matter.
local function call(plugin, what, ...)
  local fn = plugin.handler[what]
  if not fn then
    return
  end
  current.plugin = plugin
  local ok, err = xpcall(fn, traceback, plugin.handler, ...)
  current.plugin = nil
  if not ok then
    report(plugin, what, err)
  end
end

-- init_worker once, configure each time with all confs of the plugin (nil when it has none any
-- more).
local function tell_handlers(generation)
  local confs = {}
  for _, record in ipairs(generation.list) do
    confs[record.module] = confs[record.module] or {}
    table.insert(confs[record.module], record.conf)
  end
  for _, plugin in ipairs(ordered) do
    if not started[plugin.module] then
      started[plugin.module] = true
      call(plugin, "init_worker")
    end
    call(plugin, "configure", confs[plugin.module])
  end
end

local function make_newest(generation)
  newest = generation
  current.generation = generation
  if generation then
    tell_handlers(generation)
  end
end

--- Makes a configuration's chains available, and the newest.
-- @tparam string text string.buffer's encoding of what weir.compile made:
--   plugins = list of { id, name, module, instance_name, conf, hash, route, service },
--   chains = { [plan] = { index into plugins, … } }, rewrite = { index, … },
--   plans, services, effective, entities, settings
-- @tparam number serial
-- @treturn true|nil nil when nothing has changed
-- @treturn nil|string why
function worker.adopt(text, serial)
  local blob = buffer.decode(text)
  loader.set_path(blob.settings.plugin_path, blob.settings.lua_package_path)
  pdk.install(blob.settings)
  local generation, err = make_generation(blob, serial)
  if not generation then
    return nil, err
  end
  generations[serial] = generation
  make_newest(generation)
  return true
end

--- No request uses that configuration any more, or it could not be put in force after all.
-- @tparam number serial
function worker.retire(serial)
  generations[serial] = nil
  if newest and newest.serial == serial then
    local last
    for other, generation in pairs(generations) do
      if not last or other > last.serial then
        last = generation
      end
    end
    make_newest(last)
  end
end

return worker
