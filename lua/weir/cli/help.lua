-- `weir help`: the manual of a command, or the list of settings.
local keys = require("weir.settings.keys")
local options = require("weir.cli.options")

local WIDTH = 78

local help = { summary = "print the manual of a command, or all settings" }

function help.configure(parser)
  parser:description("Prints the manual of a command, the list of all settings, or an overview.")
  parser:argument("TOPIC", "A command (of one or two words), or 'settings'."):args("0-2")
    :argname("TOPIC"):target("topic")
end

local function wrap(text, indent)
  local lines, line = {}, indent
  for word in text:gmatch("%S+") do
    if #line + 1 + #word > WIDTH and line ~= indent then
      table.insert(lines, line)
      line = indent
    end
    line = line == indent and indent .. word or line .. " " .. word
  end
  table.insert(lines, line)
  return table.concat(lines, "\n")
end

local function settings_text()
  local parts = {
    wrap("Settings of weir, with their defaults. In a file given with -c they are lines "
      .. "'key = value'; in the environment they are called WEIR_ and the name in upper case; "
      .. "on the command line --set KEY=VALUE.", ""),
  }
  for _, key in ipairs(keys) do
    local line = ("%s = %s"):format(key.name, key.default):gsub("%s+$", "")
    table.insert(parts, line .. "\n" .. wrap(key.description, "   "))
  end
  return table.concat(parts, "\n\n") .. "\n"
end

function help.execute(args, process, usage_error, manual)
  local topic = args.topic[1] and table.concat(args.topic, " ")
  if topic == "settings" then
    process.stdout:write(settings_text())
    return options.exit(0)
  end
  local text = manual(topic)
  if not text then
    return usage_error(("there is no help about '%s'"):format(topic))
  end
  process.stdout:write(text, "\n")
  return options.exit(0)
end

return help
