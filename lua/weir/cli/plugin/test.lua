-- `weir plugin test`: a plugin's specs, with busted.
local folder = require("weir.cli.plugin.folder")
local options = require("weir.cli.options")

local test = { summary = "run a plugin's specs with busted" }

local EPILOG = [[
Runs the specs in FOLDER/spec, or those that are named, in weir's own Lua:
`kong` and `ngx` are there, outside of any request, and the module
weir.testing, which validates configurations and starts gateways with the
plugin. lua-busted and lua-socket have to be installed.

Exit status:
   0  all passed
   1  some did not, or they could not be run
   2  the command line is not valid

Example:
   weir plugin test ./my-plugin]]

function test.configure(parser)
  parser:description("Runs a plugin's specs with busted.")
  folder.add_options(parser)
  parser:argument("SPEC", "Files or folders of specs instead of FOLDER/spec."):args("*")
    :target("specs"):argname("SPEC")
  parser:epilog(EPILOG)
end

-- Runs busted, which takes its arguments from the global `arg`. Unless all passed it raises an
-- error without a message: it has said everything itself.
local function run(runner, specs)
  _G.arg = { [0] = "weir plugin test", unpack(specs) }
  return pcall(function()
    runner({ standalone = false })
    return nil -- no tail call: busted looks for the file that calls it
  end)
end

function test.execute(args, process)
  local settings, name = folder.settings(args, process)
  if not settings then
    return options.exit(1)
  end
  settings.plugins = { "bundled", name }
  require("weir.testing").install(settings)
  local ok, runner = pcall(require, "busted.runner")
  if not ok then
    process.stderr:write("Error: busted cannot be loaded (Debian: lua-busted):\n", runner, "\n")
    return options.exit(1)
  end
  local err
  ok, err = run(runner, #args.specs > 0 and args.specs or { args.folder .. "/spec" })
  if err then
    process.stderr:write("Error: ", tostring(err), "\n")
  end
  return options.exit(ok and 0 or 1)
end

return test
