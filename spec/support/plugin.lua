-- Plugins made up by specs, and those of the tree, under their module names.

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

--- Forgets a plugin.
function plugin.forget(name)
  for _, part in ipairs({ "handler", "schema" }) do
    local module = ("kong.plugins.%s.%s"):format(name, part)
    package.loaded[module], package.preload[module] = nil, nil
  end
end

return plugin
