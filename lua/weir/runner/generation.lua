-- A configuration as a worker runs it: handlers loaded, confs in their place, chains made.
local abi = require("weir.abi")
local chains = require("weir.runner.chains")
local choice = require("weir.runner.choice")
local workspace = require("weir.entities.workspace")

local REWRITE = abi.C.WEIR_PHASE_REWRITE

local generation = {}

-- How many confs were made. Each has a number of its own, under which plugins know it again.
local made_confs = 0

-- The key under which Kong caches a plugin's entity.
local function key_of(record)
  return ("plugins:%s:%s:%s:%s::%s"):format(record.name, record.route or "", record.service or "",
    record.consumer or "", workspace.id)
end

-- The conf table of the generation before serves on when its content is the same: what a plugin
-- keeps by it stays valid.
local function conf_of(record, before)
  local old = before and before.records[record.id]
  if old and old.hash == record.hash then
    return old.conf
  end
  local conf = record.conf
  made_confs = made_confs + 1
  conf.__key__, conf.__seq__, conf.__ws_id = key_of(record), made_confs, workspace.id
  conf.__plugin_id = record.id
  conf.plugin_instance_name = record.instance_name
  conf.service_id = record.service
  conf.route_id = record.route
  conf.consumer_id = record.consumer
  return conf
end

local function add_chains(made, blob)
  -- Before the route is known a request is under the plan of those without one.
  made[REWRITE] = chains.of_plans(REWRITE, blob.plugins, { [0] = blob.rewrite })
  for phase = REWRITE + 1, #abi.phases do
    made[phase] = chains.of_plans(phase, blob.plugins, blob.chains)
  end
  made.choices = choice.of_plans(blob)
end

--- Makes one.
-- @tparam table blob what weir.compile.blob made
-- @tparam number serial
-- @tparam table handlers a weir.runner.handlers
-- @tparam ?table before the newest one so far
-- @treturn table|nil { serial, settings, entities, plans, services, effective, list and records (by
-- id) of plugins, [phase] = { [plan] = chain }, choices = { [plan] = options } }
-- @treturn nil|string why a handler cannot be loaded
function generation.make(blob, serial, handlers, before)
  local made = {
    serial = serial,
    settings = blob.settings,
    loaded_at = blob.loaded_at,
    entities = blob.entities,
    plans = blob.plans,
    services = blob.services,
    effective = blob.effective,
    list = blob.plugins,
    records = {},
  }
  for _, record in ipairs(blob.plugins) do
    local ok, err = handlers:load(record)
    if not ok then
      return nil, err
    end
    record.conf = conf_of(record, before)
    made.records[record.id] = record
  end
  add_chains(made, blob)
  return made
end

return generation
