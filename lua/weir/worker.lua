-- The entry of a worker's VM: runs plugins, a phase at a time.
--
-- core/vm/vm.c calls adopt() and retire() for configurations, run() for each phase of a request
-- that has plugins in it, retry() before another try where a plugin wants to be asked, release()
-- when the request ends. What a configuration comes to is made in runner/: a chain for each plan
-- and phase, or what to choose from where consumers have configurations of their own.

local buffer = require("string.buffer")
local abi = require("weir.abi")
local bounds = require("weir.bounds")
local certificates = require("weir.tls.chain")
local chains = require("weir.runner.chains")
local choice = require("weir.runner.choice")
local current = require("weir.pdk.current")
local failure = require("weir.runner.failure")
local Generation = require("weir.runner.generation")
local Handlers = require("weir.runner.handlers")
local holdings = require("weir.runner.holdings")
local loader = require("weir.loader")
local packed = require("weir.db.packed")
local pdk = require("weir.pdk")
local retry = require("weir.runner.retry")
local traces = require("weir.runner.traces")
local wait = require("weir.wait")

local C = abi.C

local ACCESS, CERTIFICATE = C.WEIR_PHASE_ACCESS, C.WEIR_PHASE_CERTIFICATE
local RESPONSE, UPSTREAM_VERIFY = C.WEIR_PHASE_RESPONSE, C.WEIR_PHASE_UPSTREAM_VERIFY
local report, traceback = failure.report, failure.traceback
local WARN = 4 -- enum log_level

local worker = {}

-- serial -> what Generation.make() made
local generations = {}
local newest

local handlers = Handlers.new()

traces.start(function(text)
  C.weir_log(WARN, text, #text)
end)

-- ---- running

-- Runs one handler in access; true when it fails.
local function step_in_access(record, fn)
  current.begin(record)
  local ok, err = xpcall(fn, traceback, record.handler, record.conf)
  if not ok then
    report(record, abi.phases[ACCESS], err)
    return true
  end
end

-- Access where consumers have configurations of their own: which one of a plugin runs is known when
-- its turn comes. Whether one of them is there for the whole response, when all have had theirs.
local function run_access(options, first)
  local state = choice.state(options)
  for turn = first, #options.items do
    state.turn = turn
    local record = state.chosen[turn]
    local fn = chains.handler_of(record, ACCESS)
    if fn and step_in_access(record, fn) then
      return true
    end
  end
  if choice.chain(options, RESPONSE) then
    C.weir_service_hold()
  end
end

local function run_chosen(phase, options)
  if phase == ACCESS then
    return run_access(options, 1)
  end
  local chain = choice.chain(options, phase)
  return chain and chain:run()
end

--- Runs the handlers of one phase.
-- @tparam number serial of the configuration that the request began with
-- @tparam number phase WEIR_PHASE_…
-- @tparam number plan
-- @tparam number slot the request's place
-- @treturn true|nil true when a handler failed; what was wrong is logged then
function worker.run(serial, phase, plan, slot)
  local generation = generations[serial]
  local chain, options = generation[phase][plan], generation.choices[plan]
  if not (chain or options) then
    return nil
  end
  current.generation, current.phase, current.slot = generation, phase, slot
  local failed
  if options then
    failed = run_chosen(phase, options)
  else
    failed = chain:run()
  end
  current.plugin, current.slot = nil, 0
  return failed
end

--- Runs the handlers that come after one that left (weir.wait). Arguments and result as of run().
function worker.go_on(serial, phase, plan, slot)
  local generation = generations[serial]
  local options = generation.choices[plan]
  current.generation, current.phase, current.slot = generation, phase, slot
  local failed
  if options and phase == ACCESS then
    failed = run_access(options, choice.state(options).turn + 1)
  else
    local chain = options and choice.chain(options, phase) or generation[phase][plan]
    local rest = chains.rest(phase, chain, wait.left())
    failed = rest and rest:run()
  end
  current.plugin, current.slot = nil, 0
  return failed
end

--- Asks the plugin of a request that wants to be asked before another try is made.
-- @tparam number serial
-- @tparam number phase balancer
-- @tparam number _ the plan
-- @tparam number slot
-- @treturn boolean true when the try is not to be made; why is logged then
function worker.retry(serial, phase, _, slot)
  current.generation, current.phase, current.slot = generations[serial], phase, slot
  local agreed = retry.ask()
  current.plugin, current.slot = nil, 0
  return not agreed
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
local function ask(record)
  local handler = record.handler
  current.begin(record)
  local ok, verdict, reason =
    xpcall(handler.upstream_verify, traceback, handler, record.conf, certificates.open())
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
    local why = ask(chain[at + 1])
    if why then
      return why
    end
  end
  return true
end

--- Runs the global plugins' certificate handlers for a client that shakes hands.
-- @tparam number serial of the configuration in force
-- @treturn boolean false when a handler failed, which is logged then: the client is refused
function worker.certificate(serial)
  local generation = generations[serial]
  current.generation, current.phase, current.slot = generation, CERTIFICATE, 0
  local failed = generation[CERTIFICATE][0]:run()
  current.plugin = nil
  return not failed
end

--- Names the handler that gave up control where nobody waits. The core drops it afterwards.
-- @tparam number phase
function worker.stray_yield(phase)
  report(current.plugin, abi.phases[phase] or "timer", "attempt to yield, with nothing to wait for")
end

--- Who has the memory of this state, for the log line that says it is given up.
-- @treturn string
function worker.account()
  return holdings.account(handlers:names())
end

--- The request in `slot` is over.
worker.release = current.release

-- ---- adopting

local function make_newest(generation)
  newest = generation
  current.generation, current.newest = generation, generation
  if generation then
    handlers:tell(generation.list)
  end
end

-- Loads what plugins look entities up with. When the first request asks for it, a worker should not
-- have to read files, for which there may be no descriptor left. Without plugins it is not needed.
local function load_entities(blob)
  if blob.plugins[1] then
    require("weir.db.daos").of(blob.settings.plugins)
  end
end

--- Makes a configuration's chains available, and the newest.
-- @tparam string text what weir.compile.blob encoded
-- @tparam number serial
-- @tparam ?userdata entities where the snapshot has what weir.db.packed wrote
-- @treturn true|nil nil when nothing has changed
-- @treturn nil|string why
function worker.adopt(text, serial, entities)
  local blob = buffer.decode(text)
  loader.set_path(blob.settings.plugin_path, blob.settings.lua_package_path)
  bounds.set(blob.settings)
  pdk.install(blob.settings)
  _G.print = require("weir.ngx.print")
  local generation, err = Generation.make(blob, serial, handlers, newest)
  if not generation then
    return nil, err
  end
  load_entities(blob)
  generation.reader = entities and packed.open(entities, blob.packed)
  generations[serial] = generation
  make_newest(generation)
  return true
end

--- No request uses that configuration any more, or it could not be put in force after all.
-- @tparam number serial
function worker.retire(serial)
  local gone = generations[serial]
  generations[serial] = nil
  if gone then
    -- The snapshot is freed: nothing may look into it any more.
    gone.retired = true
    if gone.reader then
      gone.reader:close()
    end
  end
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
