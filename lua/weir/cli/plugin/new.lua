-- `weir plugin new`: the first files of a plugin.
local options = require("weir.cli.options")
local skeleton = require("weir.cli.plugin.skeleton")

local new = { summary = "write the first files of a plugin" }

local EPILOG = [[
Makes a folder NAME in the working directory, with handler.lua, schema.lua and
spec/NAME_spec.lua, a plugin that sets a header field. It works as it is:

   weir plugin check NAME
   weir plugin test NAME
   weir run weir.yml --set plugins=bundled,NAME --set plugin_path=.

Exit status:
   0  the files are there
   1  they could not be written, or the folder was there already
   2  the command line is not valid]]

function new.configure(parser)
  parser:description("Writes the first files of a plugin.")
  parser:argument("NAME", "Its name: letters, digits, '-' and '_'."):target("name"):argname("NAME")
  parser:epilog(EPILOG)
end

local function exists(path)
  local ok, _, code = os.rename(path, path)
  return ok or code ~= 2 -- ENOENT
end

-- Writes one file and makes its folder. The name has no characters that mean something to a shell.
local function write(path, text)
  os.execute(("mkdir -p './%s'"):format(path:match("^(.*)/")))
  local file, err = io.open(path, "w")
  if not file then
    return nil, err
  end
  local ok
  ok, err = file:write(text)
  file:close()
  return ok, err
end

function new.execute(args, process, usage_error)
  local name = args.name
  if not name:find("^[%w_-]+$") or name:find("^-") then
    return usage_error(("'%s' is no plugin's name: letters, digits, '-' and '_'"):format(name))
  elseif exists(name) then
    process.stderr:write(("Error: there is a '%s' already\n"):format(name))
    return options.exit(1)
  end
  local written = {}
  for file, text in pairs(skeleton) do
    local path = ("%s/%s"):format(name, (file:gsub("NAME", name)))
    local ok, err = write(path, (text:gsub("NAME", name)))
    if not ok then
      process.stderr:write("Error: ", err, "\n")
      return options.exit(1)
    end
    table.insert(written, path)
  end
  table.sort(written)
  process.stdout:write(table.concat(written, "\n"), "\n")
  return options.exit(0)
end

return new
