-- Pages of the Admin API that plugins bring along: kong.plugins.NAME.api, a table of
-- path -> method -> function, as for Kong.
--
-- Paths are texts; those of Kong's with parameters in them (":consumers") write to databases.
local configuration = require("weir.pdk.configuration")
local log = require("weir.pdk.log")
local needs = require("weir.plugins.needs")

local plugin_pages = {}

local loaded = {} -- plugin -> its pages, false when it has none

-- What pages ask for and is not there is named before they are run, as of the plugin's other parts;
-- but the plugin serves its requests without them.
local function load_pages(plugin)
  local missing = needs.of_pages(plugin)
  if missing[1] then
    log.err("plugin '", plugin, "' has no pages: ", table.concat(missing, "; "))
    return false
  end
  local module = ("kong.plugins.%s.api"):format(plugin)
  local ok, result = pcall(require, module)
  if ok then
    return result
  end
  -- What a module raises need not be a text.
  local text = tostring(result)
  if not text:find(("module '%s' not found"):format(module), 1, true) then
    log.err("plugin '", plugin, "' has no pages: ", text)
  end
  return false
end

--- Finds a page of the plugins that may be used.
-- @tparam string path
-- @treturn table|nil method -> function
function plugin_pages.find(path)
  for _, plugin in ipairs(configuration.get("plugins")) do
    if loaded[plugin] == nil then
      loaded[plugin] = load_pages(plugin)
    end
    local methods = loaded[plugin] and loaded[plugin][path]
    if methods then
      return methods
    end
  end
end

return plugin_pages
