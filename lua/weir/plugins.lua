-- Finds, checks and orders plugins. Shared by the control VM, which compiles configurations, and by
-- `weir check`.
--
-- A plugin is the module kong.plugins.NAME.handler (weir.loader knows where that lies) and, beside
-- it, its schema. What is loaded stays loaded: code of plugins changes with the next start, not
-- with a reload.
local bit = require("bit")
local failure = require("weir.runner.failure")
local loader = require("weir.loader")
local needs = require("weir.plugins.needs")

local plugins = {}

--- Request phases in the order of the core's WEIR_PHASE_… numbers, which start at 0.
plugins.PHASES = { "rewrite", "access", "header_filter", "body_filter", "log", "upstream_verify",
  "balancer", "response", "certificate" }

-- A phase of Kong's for streams, of which there are none. What a plugin does in it beside its work
-- for requests has nothing to be done for; one that has no other work is in the wrong place.
local OF_STREAMS = "preread"

local function is_integer(value)
  return type(value) == "number" and value % 1 == 0 and math.abs(value) ~= math.huge
end

local function phase_bits(handler)
  local bits = 0
  for i, phase in ipairs(plugins.PHASES) do
    if handler[phase] then
      bits = bit.bor(bits, bit.lshift(1, i - 1))
    end
  end
  return bits
end

local function check_handler(name, handler)
  if type(handler) ~= "table" then
    return ('Plugin "%s" cannot be loaded because its handler is no table'):format(name)
  end
  if not is_integer(handler.PRIORITY) then
    return ('Plugin "%s" cannot be loaded because its PRIORITY field is not a valid integer '
      .. 'number, got: "%s".'):format(name, tostring(handler.PRIORITY))
  end
  if not tostring(handler.VERSION):find("^%d+%.%d+%.%d+$") then
    return ('Plugin "%s" cannot be loaded because its VERSION field does not follow the "x.y.z" '
      .. 'format, got: "%s".'):format(name, tostring(handler.VERSION))
  end
  for _, phase in ipairs(plugins.PHASES) do
    local fn = handler[phase]
    if fn ~= nil and type(fn) ~= "function" then
      return ('Plugin "%s" cannot be loaded because its `%s` is not a function, got: "%s".')
        :format(name, phase, type(fn))
    end
  end
  if handler.phases ~= nil and type(handler.phases) ~= "function" then
    return ('Plugin "%s" cannot be loaded because its `phases` is not a function, got: "%s".')
      :format(name, type(handler.phases))
  end
  if handler.response and (handler.header_filter or handler.body_filter) then
    return ('Plugin "%s" can\'t be loaded because it implements both `response` and '
      .. "`header_filter` or `body_filter` methods."):format(name)
  end
  if handler[OF_STREAMS] and phase_bits(handler) == 0 then
    return ('Plugin "%s" cannot be loaded because of all phases it implements only `%s`, which '
      .. "weir does not run: there is no stream proxying."):format(name, OF_STREAMS)
  end
end

local function load_module(name, part)
  local module = ("kong.plugins.%s.%s"):format(name, part)
  local ok, result = failure.call(require, module)
  if ok then
    return result
  end
  if tostring(result):find(("module '%s' not found"):format(module), 1, true) then
    return nil, ("%s plugin is enabled but not installed;\n%s"):format(name, result)
  end
  return nil, ('Plugin "%s" cannot be loaded: %s'):format(name, tostring(result))
end

-- What it asks for is looked up before it is run: it would fail at the first thing that is missing,
-- now or with some request. Of weir's own plugins and of those that run already that is known.
local function check_needs(name)
  local module = ("kong.plugins.%s.handler"):format(name)
  if package.loaded[module] or loader.is_shipped(module) then
    return nil
  end
  local missing = needs.of(name)
  if missing[1] then
    return ('Plugin "%s" cannot be loaded because it asks for what weir does not have:\n  %s')
      :format(name, table.concat(missing, "\n  "))
  end
end

--- Loads one plugin.
-- @tparam string name
-- @treturn table|nil { name, handler, schema, priority, version, phases = bits of WEIR_PHASE_… }
-- @treturn nil|string why not, in Kong's words
function plugins.load(name)
  local problem = check_needs(name)
  if problem then
    return nil, problem
  end
  local handler, err = load_module(name, "handler")
  if err then
    return nil, err
  end
  problem = check_handler(name, handler)
  if problem then
    return nil, problem
  end
  local schema
  schema, err = load_module(name, "schema")
  if err then
    return nil, err
  end
  return {
    name = name,
    handler = handler,
    schema = schema,
    priority = handler.PRIORITY,
    version = handler.VERSION,
    phases = phase_bits(handler),
  }
end

-- The bits of a set of phases, nil and what is wrong in it.
local function bits_of(needed, implemented)
  if type(needed) ~= "table" then
    return nil, ("gave a %s, and not a set of phases"):format(type(needed))
  end
  local bits, known = 0, {}
  for i, phase in ipairs(plugins.PHASES) do
    known[phase] = bit.band(implemented, bit.lshift(1, i - 1))
    bits = bit.bor(bits, needed[phase] and known[phase] or 0)
  end
  for phase, is_needed in pairs(needed) do
    if is_needed and (known[phase] or 0) == 0 then
      return nil, ("named '%s', a phase that the handler does not implement")
        :format(tostring(phase))
    end
  end
  return bits
end

--- The phases that one configuration of a plugin needs.
-- @tparam table plugin what plugins.load() gave
-- @tparam table conf
-- @treturn number|nil bits of WEIR_PHASE_…: those of the set that the handler's phases() gives, or
-- all that it implements where it has no such function
-- @treturn nil|string what is wrong with phases()
function plugins.phases_of(plugin, conf)
  local handler = plugin.handler
  if not handler.phases then
    return plugin.phases
  end
  local ok, needed = failure.call(handler.phases, handler, conf)
  if not ok then
    return nil, "failed: " .. tostring(needed)
  end
  return bits_of(needed, plugin.phases)
end

-- Higher priorities run first; of equal ones, names that sort later.
local function runs_before(a, b)
  if a.priority ~= b.priority then
    return a.priority > b.priority
  end
  return a.name > b.name
end

--- Loads plugins.
-- @tparam table names
-- @treturn table|nil what plugins.load() gives, in the order of execution
-- @treturn nil|table error texts, one per plugin that cannot be used
function plugins.load_all(names)
  local loaded, errors = {}, {}
  for _, name in ipairs(names) do
    local plugin, err = plugins.load(name)
    loaded[#loaded + 1] = plugin
    errors[#errors + 1] = err
  end
  if #errors > 0 then
    return nil, errors
  end
  table.sort(loaded, runs_before)
  return loaded
end

return plugins
