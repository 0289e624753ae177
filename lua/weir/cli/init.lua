-- The command line: from the process's arguments to an action for main().
--
-- A command is a module with `summary`, `configure(parser)` and `execute(args, process,
-- usage_error, manual)`, which returns an action (weir.cli.options).
local argparse = require("argparse")
local options = require("weir.cli.options")
local suggest = require("weir.suggest")

local NAMES = { "run", "check", "echo", "version", "help" }

local cli = {}

local commands = {}
for _, name in ipairs(NAMES) do
  commands[name] = require("weir.cli." .. name)
end

local function parser_of(name)
  local parser = argparse("weir " .. name):add_help(false)
  commands[name].configure(parser)
  parser:flag("-h --help", "Show this help and exit.")
  return parser
end

local function overview()
  local lines = {
    "Usage: weir COMMAND [OPTION]...",
    "",
    "A gateway that verifies its upstreams.",
    "",
    "Commands:",
  }
  for _, name in ipairs(NAMES) do
    table.insert(lines, ("   %-10s %s"):format(name, commands[name].summary))
  end
  table.insert(lines, "")
  table.insert(lines, "'weir COMMAND --help' explains a command,")
  table.insert(lines, "'weir help settings' lists all settings.")
  return table.concat(lines, "\n")
end

-- The manual of a command, the overview without a name, nil for an unknown name.
local function manual(name)
  if not name then
    return overview()
  end
  return commands[name] and parser_of(name):get_help()
end

-- A usage error ends with status 2, so that scripts can tell it from a configuration that is not
-- valid.
local function usage_error_of(process, name)
  local usage = name and parser_of(name):get_usage() or "Usage: weir COMMAND [OPTION]..."
  local hint = name and name .. " --help" or "help"
  return function(message)
    process.stderr:write(usage, "\n\nError: ", message, "\nTry 'weir ", hint, "'.\n")
    return options.exit(2)
  end
end

local function asks_for_help(argv)
  for i = 2, #argv do
    if argv[i] == "-h" or argv[i] == "--help" then
      return true
    elseif argv[i] == "--" then
      return false
    end
  end
  return false
end

local ALIASES = {
  ["-h"] = "help", ["--help"] = "help", ["-v"] = "version", ["--version"] = "version",
}

local function this_process()
  return {
    stdout = io.stdout, stderr = io.stderr, environment = require("weir.environment").list(),
  }
end

--- Decides what the process does.
-- @tparam {string,...} argv arguments without the program's name
-- @tparam[opt] table process { stdout, stderr, environment = list of "NAME=value" }; by default the
--   real ones
-- @treturn table { action = "exit", code } or { action = "run", … } (weir.cli.options)
function cli.main(argv, process)
  process = process or this_process()
  local name = ALIASES[argv[1]] or argv[1]
  if not name then
    return usage_error_of(process)("a command is missing")
  elseif not commands[name] then
    local phrase = suggest.phrase(name, NAMES)
    return usage_error_of(process)(("unknown command '%s'%s"):format(name, phrase))
  elseif asks_for_help(argv) then
    process.stdout:write(manual(name), "\n")
    return options.exit(0)
  end
  local usage_error = usage_error_of(process, name)
  local ok, args = parser_of(name):pparse({ unpack(argv, 2) })
  if not ok then
    return usage_error(args)
  end
  return commands[name].execute(args, process, usage_error, manual)
end

return cli
