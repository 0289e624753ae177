-- What commands that read settings have in common: their options, and turning settings into an
-- action.
local buffer = require("string.buffer")
local processors = require("weir.settings.processors")
local settings = require("weir.settings")

local options = {}

--- Adds `-c` and `--set` to a command.
-- @tparam table parser argparse's
function options.add_settings(parser)
  parser:option("-c --conf", "Read settings from FILE, lines of 'key = value'."):argname("FILE")
  parser:option("--set", "Set one setting; wins over file and environment. Repeatable.")
    :argname("KEY=VALUE"):count("*")
end

--- Loads the settings that a command's arguments ask for; reports errors and warnings.
-- @tparam table args parsed arguments: conf, set
-- @tparam {table,...} flags settings from dedicated options: { name, text, where }
-- @tparam table process { stderr, environment }
-- @treturn table|nil settings
function options.load_settings(args, flags, process)
  local result, messages = settings.load({
    file = args.conf, set = args.set, flags = flags, environment = process.environment,
  })
  for _, message in ipairs(messages) do
    process.stderr:write(result and "Warning: " or "Error: ", message, "\n")
  end
  return result
end

local function add_listeners(list, listeners, role)
  for _, listener in ipairs(listeners) do
    local copy = { role = role }
    for name, value in pairs(listener) do
      copy[name] = value
    end
    table.insert(list, copy)
  end
end

--- The action that starts the gateway.
-- @tparam table loaded settings
-- @tparam table source where the configuration comes from: { type = "file", path } or { type =
--   "text", text, name }
-- @treturn table what the core reads: `listeners`, an array of { host, port, family, ssl,
--   reuseport, role = "proxy" or "admin" } with, if given, backlog, deferred, ipv6only,
--   so_keepalive; `workers`; `log_level`; `access_log`; `stall_warning_ms` and
--   `stall_limit_ms`, for the watchdog; and `blob`, for the control VM: string.buffer's encoding of
--   { settings, source }
function options.run_action(loaded, source)
  local listeners = {}
  add_listeners(listeners, loaded.proxy_listen, "proxy")
  add_listeners(listeners, loaded.admin_listen, "admin")
  local workers = loaded.nginx_worker_processes
  return {
    action = "run",
    listeners = listeners,
    workers = workers == "auto" and processors.count() or workers,
    log_level = loaded.log_level,
    access_log = loaded.proxy_access_log ~= "off",
    stall_warning_ms = loaded.worker_stall_warning * 1000,
    stall_limit_ms = loaded.worker_stall_limit * 1000,
    blob = buffer.encode({ settings = loaded, source = source }),
  }
end

--- The action that ends the process.
-- @tparam number code exit status
-- @treturn table
function options.exit(code)
  return { action = "exit", code = code }
end

return options
