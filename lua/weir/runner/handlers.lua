-- The handlers of plugins that a worker has loaded, and what they are told outside of requests.
local abi = require("weir.abi")
local bounds = require("weir.bounds")
local current = require("weir.pdk.current")
local failure = require("weir.runner.failure")

local C = abi.C

local Handlers = {}
Handlers.__index = Handlers

function Handlers.new()
  return setmetatable({
    by_module = {}, -- { name, module, handler, mark }
    ordered = {}, -- the same, in Kong's order
    started = {}, -- by module: init_worker was called
  }, Handlers)
end

-- Higher priorities first; of equal ones, names that sort later.
local function runs_before(a, b)
  local x, y = a.handler.PRIORITY or 0, b.handler.PRIORITY or 0
  if x ~= y then
    return x > y
  end
  return a.name > b.name
end

--- Sets `handler` and `mark` of a plugin record.
-- @tparam table record
-- @treturn true|nil
-- @treturn nil|string why it cannot be loaded
function Handlers:load(record)
  local module = record.module
  if not self.by_module[module] then
    local ok, handler = failure.call(require, module)
    if not ok then
      return nil, handler
    end
    local plugin = { name = record.name, module = module, handler = handler }
    plugin.mark = C.weir_plugin_mark(record.name, #record.name)
    self.by_module[module] = plugin
    table.insert(self.ordered, plugin)
    table.sort(self.ordered, runs_before)
  end
  local plugin = self.by_module[module]
  record.handler, record.mark = plugin.handler, plugin.mark
  return true
end

--- Of the plugins.
-- @treturn {string,...}
function Handlers:names()
  local names = {}
  for i, plugin in ipairs(self.ordered) do
    names[i] = plugin.name
  end
  return names
end

-- Calls an optional function of a handler; a failure is the plugin's own matter.
local function call(plugin, what, ...)
  local fn = plugin.handler[what]
  if not fn then
    return
  end
  -- A request that waits may have left its own.
  current.begin(plugin)
  current.slot, current.phase = 0, nil
  local ok, err = bounds.xpcall(fn, failure.traceback, plugin.handler, ...)
  current.plugin = nil
  if not ok then
    failure.report(plugin, what, err)
  end
end

--- Calls init_worker where that has not been done, and configure with all confs of the plugin (nil
-- when it has none any more).
-- @tparam table records of the configuration in force
function Handlers:tell(records)
  local confs = {}
  for _, record in ipairs(records) do
    confs[record.module] = confs[record.module] or {}
    table.insert(confs[record.module], record.conf)
  end
  for _, plugin in ipairs(self.ordered) do
    if not self.started[plugin.module] then
      self.started[plugin.module] = true
      call(plugin, "init_worker")
    end
    call(plugin, "configure", confs[plugin.module])
  end
end

return Handlers
