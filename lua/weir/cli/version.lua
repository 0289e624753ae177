-- `weir version`: what is running.
local options = require("weir.cli.options")

local version = { summary = "print the versions of weir and its libraries" }

function version.configure(parser)
  parser:description("Prints the versions of weir and of each library that it runs with.")
end

function version.execute(_, process)
  for _, item in ipairs(require("weir.core").versions()) do
    process.stdout:write(item.name, " ", item.version, "\n")
  end
  return options.exit(0)
end

return version
