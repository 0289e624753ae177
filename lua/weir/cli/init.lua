-- The command line: from the process's arguments to an action for main().
--
-- A command is a module with `summary`, `configure(parser)` and `execute(args, process,
-- usage_error, manual)`, which returns an action (weir.cli.options). A group is a module with
-- `summary` and `commands`, the second words that it takes: "tls explain" is weir.cli.tls.explain.
local argparse = require("argparse")
local options = require("weir.cli.options")
local suggest = require("weir.text.suggest")

local NAMES = { "run", "check", "plugin", "tls", "echo", "version", "help" }

local cli = {}

local commands = {}
for _, name in ipairs(NAMES) do
  commands[name] = require("weir.cli." .. name)
  for _, second in ipairs(commands[name].commands or {}) do
    commands[name .. " " .. second] = require(("weir.cli.%s.%s"):format(name, second))
  end
end

local function parser_of(name)
  local parser = argparse("weir " .. name):add_help(false)
  commands[name].configure(parser)
  parser:flag("-h --help", "Show this help and exit.")
  return parser
end

-- The lines that list commands.
local function list(prefix, names)
  local lines = {}
  for _, name in ipairs(names) do
    table.insert(lines, ("   %-10s %s"):format(name, commands[prefix .. name].summary))
  end
  return table.concat(lines, "\n")
end

local OVERVIEW = [[
Usage: weir COMMAND [OPTION]...

A gateway that verifies its upstreams.

Commands:
%s

'weir COMMAND --help' explains a command,
'weir help settings' lists all settings.

A command whose output could not be written exits with status 74.]]

local GROUP = [[
Usage: weir %s COMMAND [OPTION]...

Commands:
%s

'weir %s COMMAND --help' explains a command.]]

-- The manual of a command, the overview of a group or, without a name, of all; nil for an unknown
-- name.
local function manual(name)
  local command = commands[name]
  if not name then
    return OVERVIEW:format(list("", NAMES))
  elseif command and command.commands then
    return GROUP:format(name, list(name .. " ", command.commands), name)
  end
  return command and parser_of(name):get_help()
end

-- A usage error ends with status 2, so that scripts can tell it from a configuration that is not
-- valid.
local function usage_error_of(process, name)
  local group = not name or commands[name].commands
  local usage = group and ("Usage: weir %sCOMMAND [OPTION]..."):format(name and name .. " " or "")
    or parser_of(name):get_usage()
  local hint = name and name .. " --help" or "help"
  return function(message)
    process.stderr:write(usage, "\n\nError: ", message, "\nTry 'weir ", hint, "'.\n")
    return options.exit(2)
  end
end

local function asks_for_help(options_given)
  for _, option in ipairs(options_given) do
    if option == "-h" or option == "--help" then
      return true
    elseif option == "--" then
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
    stdin = require("weir.source.stdin"),
    stdout = io.stdout,
    stderr = io.stderr,
    environment = require("weir.settings.environment").list(),
  }
end

-- Which command the first words name.
-- Returns its name and how many words that took; nil and what is wrong, within which group.
local function name_of(argv)
  local name = ALIASES[argv[1]] or argv[1]
  if not name then
    return nil, "a command is missing"
  elseif not commands[name] then
    return nil, ("unknown command '%s'%s"):format(name, suggest.phrase(name, NAMES))
  end
  local seconds, second = commands[name].commands, argv[2]
  if not seconds or second == "-h" or second == "--help" then
    return name, 1
  elseif not second then
    return nil, "a command is missing", name
  elseif not commands[name .. " " .. second] then
    return nil, ("unknown command '%s %s'%s"):format(name, second, suggest.phrase(second, seconds)),
      name
  end
  return name .. " " .. second, 2
end

--- Decides what the process does.
-- @tparam {string,...} argv arguments without the program's name
-- @tparam[opt] table process { stdin (weir.source.stdin), stdout, stderr, environment = list of
--   "NAME=value" }; by default the real ones
-- @treturn table { action = "exit", code } or { action = "run", … } (weir.cli.options)
function cli.main(argv, process)
  process = process or this_process()
  local name, words, group = name_of(argv)
  if not name then
    return usage_error_of(process, group)(words)
  end
  local rest = { unpack(argv, words + 1) }
  if asks_for_help(rest) then
    process.stdout:write(manual(name), "\n")
    return options.exit(0)
  end
  local usage_error = usage_error_of(process, name)
  local ok, args = parser_of(name):pparse(rest)
  if not ok then
    return usage_error(args)
  end
  return commands[name].execute(args, process, usage_error, manual)
end

return cli
