-- Plugins made up by specs, and those of the tree, under their module names.

local Schema = require("weir.schema")
local current = require("weir.pdk.current")
local declarative = require("weir.declarative")

local plugin = {}

local function noop() end

--- Makes a plugin known.
-- @tparam string name
-- @tparam table handler its functions; PRIORITY and VERSION are filled in when they are missing
-- @tparam ?table phases names of phases in which it does nothing
-- @treturn table handler
function plugin.define(name, handler, phases)
  handler.PRIORITY = handler.PRIORITY or 1000
  handler.VERSION = handler.VERSION or "1.0.0"
  for _, phase in ipairs(phases or {}) do
    handler[phase] = noop
  end
  local function preload(part, value)
    local module = ("kong.plugins.%s.%s"):format(name, part)
    package.loaded[module] = nil
    package.preload[module] = function()
      return value
    end
  end
  preload("handler", handler)
  preload("schema", { name = name, fields = { { config = { type = "record", fields = {} } } } })
  return handler
end

--- Validates a configuration as weir does.
-- @tparam table schema what schema.lua returns
-- @tparam table config
-- @treturn table|nil with defaults
-- @treturn nil|string the first mistake
function plugin.configure(schema, config)
  local entity, errors = assert(Schema.new(schema)):process({ config = config })
  if errors[1] then
    return nil, errors[1].message
  end
  return entity.config
end

--- Puts entities in force for kong.db, kong.cache and kong.client, until `current.generation` is
-- something else.
-- @tparam table names plugins, whose entities it may have
-- @tparam string yaml top-level entities
function plugin.use(names, yaml)
  local config, findings = declarative.load('_format_version: "3.0"\n' .. yaml, { plugins = names })
  assert(config, findings.errors[1] and findings.errors[1].message)
  current.generation = {
    entities = config.by_id, loaded_at = math.floor(ngx.now()),
    settings = { plugins = names, db_cache_ttl = 0, db_cache_neg_ttl = 0 },
  }
end

--- Begins a spec of a plugin that looks at consumers: a fresh stand-in for the core, and entities
-- in force. For before_each, where the PDK is installed.
-- @tparam table fake spec.support.fake_abi
-- @tparam string name of the plugin
-- @tparam string yaml as for use()
function plugin.begin(fake, name, yaml)
  fake.install()
  current.slot, current.plugin = 1, { name = name }
  plugin.use({ name }, yaml)
end

--- Ends it. For after_each.
function plugin.finish()
  current.release(1)
  current.slot, current.plugin, current.generation = 0, nil, nil
end

--- Forgets a plugin.
function plugin.forget(name)
  for _, part in ipairs({ "handler", "schema" }) do
    local module = ("kong.plugins.%s.%s"):format(name, part)
    package.loaded[module], package.preload[module] = nil, nil
  end
end

return plugin
