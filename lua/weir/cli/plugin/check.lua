-- `weir plugin check`: whether a plugin can be used.
local folder = require("weir.cli.plugin.folder")
local options = require("weir.cli.options")

local check = { summary = "load a plugin and say all that is wrong with it" }

local EPILOG = [[
Looks through the plugin's files for what weir does not have, loads its handler
and its schema as the gateway would, and says which phases it has a part in.

Exit status:
   0  the plugin can be used
   1  it cannot
   2  the command line is not valid

Example:
   weir plugin check ./my-plugin]]

function check.configure(parser)
  parser:description("Loads a plugin as the gateway would, without one.")
  folder.add_options(parser)
  parser:epilog(EPILOG)
end

local function phases_of(plugin)
  local names = {}
  for _, phase in ipairs(require("weir.plugins").PHASES) do
    if plugin.handler[phase] then
      table.insert(names, phase)
    end
  end
  return table.concat(names, ", ")
end

-- The plugin; nil and a text of what is wrong.
local function load_plugin(settings, name)
  settings.plugins = { name }
  local loaded, problems = require("weir.plugins.enabled").load(settings)
  if not loaded then
    return nil, problems[1]
  end
  local schema, err = require("weir.entities.plugins").schema_of(name)
  return schema and loaded[1], err
end

function check.execute(args, process)
  local settings, name = folder.settings(args, process)
  if not settings then
    return options.exit(1)
  end
  local plugin, err = load_plugin(settings, name)
  if not plugin then
    process.stderr:write("Error: ", err, "\n")
    return options.exit(1)
  end
  process.stdout:write(("%s: ok (version %s, priority %d; phases: %s)\n"):format(name,
    plugin.version, plugin.priority, phases_of(plugin)))
  return options.exit(0)
end

return check
