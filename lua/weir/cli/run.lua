-- `weir run`: the gateway.
local options = require("weir.cli.options")

local run = { summary = "run the gateway on a declarative file" }

local EPILOG = [[
The gateway runs in the foreground. It writes its access log to standard
output and its error log to standard error.

LISTEN is IP:PORT followed by flags: ssl, reuseport, backlog=N, deferred,
bind, ipv6only=on|off, so_keepalive=on|off; or off. IPv6 addresses stand in
brackets. Several entries may be separated by commas.

Settings come from, the later ones winning: built-in defaults, the file given
with -c, environment variables (WEIR_ and the name in upper case), --set, the
other options. 'weir help settings' lists them.

Signals:
   SIGHUP           Load the declarative file again. A file with a mistake
                    changes nothing.
   SIGTERM, SIGINT  Stop at once.
   SIGQUIT          Stop accepting, finish the requests in progress, stop.

Exit status:
   0  stopped by a signal
   1  a setting or the declarative file is not valid, or a listener cannot be
      opened
   2  the command line is not valid

Examples:
   weir run weir.yml
   weir run weir.yml --proxy-listen '127.0.0.1:8443 ssl' --workers 2 \
      --set ssl_cert=chain.crt --set ssl_cert_key=leaf.key]]

function run.configure(parser)
  parser:description("Runs the gateway on a declarative configuration, YAML or JSON.")
  parser:argument("FILE", "The declarative file, or - for standard input. Without it, the\n"
    .. "settings declarative_config or declarative_config_string say\nwhat to run.")
    :args("?"):argname("FILE"):target("file")
  parser:option("--proxy-listen", "Accept requests here. Repeatable. Default: 0.0.0.0:8000.")
    :argname("LISTEN"):count("*")
  parser:option("--admin-listen", "Serve the Admin API here. Repeatable. Default: 127.0.0.1:8001.")
    :argname("LISTEN"):count("*")
  parser:option("--workers", "Number of worker threads, or auto. Default: auto."):argname("N")
  options.add_settings(parser)
  parser:epilog(EPILOG)
end

local function flags_of(args)
  local flags = {}
  local function add(name, text, where)
    if text and text ~= "" then
      table.insert(flags, { name = name, text = text, where = where })
    end
  end
  add("proxy_listen", table.concat(args.proxy_listen, ", "), "--proxy-listen")
  add("admin_listen", table.concat(args.admin_listen, ", "), "--admin-listen")
  add("nginx_worker_processes", args.workers, "--workers")
  return flags
end

-- Standard input can be read only once, so what it gives is kept as text.
local function source_of_file(path)
  if path ~= "-" then
    return { type = "file", path = path }
  end
  local text, name = require("weir.source.file").new(path):load()
  return text and { type = "text", text = text, name = name }, name
end

local function source_of(args, loaded)
  local path, text = loaded.declarative_config, loaded.declarative_config_string
  if args.file then
    return source_of_file(args.file)
  elseif path ~= "" and text ~= "" then
    return nil, "declarative_config and declarative_config_string are both set"
  elseif path ~= "" then
    return { type = "file", path = path }
  elseif text ~= "" then
    return { type = "text", text = text, name = "declarative_config_string" }
  end
  return nil, "no declarative file: name one, or set declarative_config"
end

function run.execute(args, process)
  local loaded = options.load_settings(args, flags_of(args), process)
  if not loaded then
    return options.exit(1)
  end
  local source, err = source_of(args, loaded)
  if not source then
    process.stderr:write("Error: ", err, "\n")
    return options.exit(1)
  end
  return options.run_action(loaded, source)
end

return run
