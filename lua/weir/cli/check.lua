-- `weir check`: validates a declarative file.
local declarative = require("weir.declarative")
local file = require("weir.source.file")
local options = require("weir.cli.options")

local check = { summary = "validate a declarative file" }

local EPILOG = [[
For a valid file one line on standard output says so. Otherwise there is one
line for each finding:

   FILE:LINE:COLUMN: PATH: MESSAGE

Warnings, about what is legal and yet probably a mistake, go to standard error
and do not make a file invalid. Plugins that cannot be used end the check
before the file is read, with all that they ask for and weir does not have.

Exit status:
   0  the file is valid
   1  it is not, it cannot be read, or a plugin cannot be used
   2  the command line is not valid

Example:
   weir check weir.yml]]

function check.configure(parser)
  parser:description("Validates a declarative configuration, YAML or JSON, with its plugins.")
  parser:argument("FILE", "The declarative file, or - for standard input.")
    :argname("FILE"):target("file")
  options.add_settings(parser)
  parser:epilog(EPILOG)
end

-- "1 service, 2 routes": services and routes in any case, other types if there are any.
local function summary(config)
  local always = { services = true, routes = true }
  local parts = {}
  for _, name in ipairs({ "services", "routes", unpack(config.model.names) }) do
    local count = #config[name]
    if always[name] ~= false and (always[name] or count > 0) then
      local label = (count == 1 and name:gsub("s$", "") or name):gsub("_", " ")
      table.insert(parts, ("%d %s"):format(count, label))
      always[name] = false
    end
  end
  return table.concat(parts, ", ")
end

function check.execute(args, process)
  local loaded = options.load_settings(args, {}, process)
  if not loaded then
    return options.exit(1)
  end
  -- No other command needs to load what plugins use.
  local _, problems = require("weir.plugins.enabled").load(loaded)
  if problems then
    process.stderr:write(table.concat(problems, "\n"), "\n")
    return options.exit(1)
  end
  local text, name = file.new(args.file):load()
  if not text then
    process.stderr:write("Error: ", name, "\n")
    return options.exit(1)
  end
  local config, findings = declarative.load(text, {
    filename = name, plugins = loaded.plugins, settings = loaded,
  })
  for _, warning in ipairs(findings.warnings) do
    process.stderr:write(declarative.format(warning, name, "warning"), "\n")
  end
  for _, finding in ipairs(findings.errors) do
    process.stdout:write(declarative.format(finding, name), "\n")
  end
  if not config then
    return options.exit(1)
  end
  process.stdout:write(("%s: ok (%s)\n"):format(name, summary(config)))
  return options.exit(0)
end

return check
