-- A plugin by its folder, as the commands for those who write plugins are given it.
local options = require("weir.cli.options")

local folder = {}

--- Adds FOLDER and the options for settings to a command.
-- @tparam table parser argparse's
function folder.add_options(parser)
  parser:argument("FOLDER", "The plugin's folder, which has its name."):target("folder")
    :argname("FOLDER")
  options.add_settings(parser)
end

-- "a/b/" -> "b", "a"; a folder alone lies in the working directory.
local function split(path)
  local trimmed = path:gsub("(.)/+$", "%1")
  local name = trimmed:match("([%w_-]+)$")
  local parent = name and trimmed:sub(1, -#name - 1)
  if not name or parent ~= "" and not parent:find("/$") then
    return nil
  end
  return name, parent == "" and "." or parent:match("^(/)$") or parent:sub(1, -2)
end

--- The settings of a gateway that has the plugin of a folder, and its name. What is wrong is
-- reported.
-- @tparam table args parsed arguments: folder, conf, set
-- @tparam table process { stderr, environment }
-- @treturn table|nil settings, nil when there are mistakes
-- @treturn string name
function folder.settings(args, process)
  local name, parent = split(args.folder)
  if not name then
    process.stderr:write(("Error: '%s' is no plugin's name: letters, digits, '-' and '_'\n")
      :format(args.folder))
    return nil
  end
  local settings = options.load_settings(args, {}, process)
  if settings then
    local others = settings.plugin_path
    settings.plugin_path = others == "" and parent or parent .. ":" .. others
  end
  return settings, name
end

return folder
